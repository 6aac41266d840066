// Environments have no versions: the same id can reach more of the world tomorrow. What was approved is its content.
import { hashEnvironment } from '../config-hash.ts'
import { isObject } from '../json-values.ts'
import type { Examined, Finding, PinRule } from '../rule.ts'
import { fieldsAt, isAbsent, readably } from './reading.ts'
import { agentIdAt } from './roster.ts'

const runNames = new Set(['environment_id'])
const updateNames = new Set(['config'])

/**
 * Way 20: a run starts only where the environment still is what `environments:` of pins.yaml approves, and nobody
 * changes its `config` here. Forced, an update goes up without `config` where it says something else too.
 */
export const environmentUnchanged: PinRule = {
  requirement: 'environment_unchanged',
  ways: [20],
  operations: new Set([
    ...['sessions.create', 'deployments.create', 'deployments.update', 'deployments.run'],
    'environments.update',
  ]),
  examine: readably('environment_unchanged', (request) =>
    request.operation.id === 'environments.update' ? findChange(request) : findDrift(request),
  ),
}

function findChange({ parsed, params }: Examined): readonly Finding[] {
  if (fieldsAt(parsed, [], updateNames)['config'] === undefined) return []
  const hasOthers = Object.keys(parsed).length > 1
  const id = params['environment_id'] ?? ''
  return [
    {
      requirement: 'environment_unchanged',
      path: ['config'],
      ...{ requested: 'another config', resolved: hasOthers ? 'left out' : '' },
      sentence: `environment \`${id}\` runs as approved, so its \`config\` stays; make a new environment, have it approved, and name that one`,
      edits: hasOthers ? [{ kind: 'remove', path: ['config'] }] : null,
    },
  ]
}

async function findDrift(request: Examined): Promise<readonly Finding[]> {
  const id = await environmentOf(request)
  if (id === null) return []
  const environment = await request.facts.environment(id)
  // The upstream says so itself.
  if (environment === null) return []
  const now = hashEnvironment(environment)
  const approval = request.pins.environments.get(id)
  if (approval?.configHash === now) return []
  const sentence =
    approval === undefined
      ? `environment \`${id}\` has no approved configuration; ask whoever reviews pins.yaml to add it under \`environments\` with \`config: ${now}\``
      : `environment \`${id}\` is not what was approved (${approval.rule}): it is ${now} now; restore it, or have it approved again`
  const requested = approval === undefined ? 'not approved' : 'changed'
  return [
    {
      requirement: 'environment_unchanged',
      path: request.operation.id === 'deployments.run' ? [] : ['environment_id'],
      ...{ requested, resolved: '', sentence, edits: null },
    },
  ]
}

/** A deployment that keeps its environment, or is run, has one that only the upstream knows. */
async function environmentOf({ operation, parsed, params, facts }: Examined): Promise<string | null> {
  const { environment_id: written } = fieldsAt(parsed, [], runNames)
  if (!isAbsent(written)) return agentIdAt(written, ['environment_id'])
  if (operation.id !== 'deployments.run' && operation.id !== 'deployments.update') return null
  const deployment = await facts.deployment(params['deployment_id'] ?? '')
  const saved = isObject(deployment) ? deployment['environment_id'] : undefined
  return typeof saved === 'string' ? saved : null
}
