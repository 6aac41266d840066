// Which model an agent thinks with, and which one it asks for advice: a name that can come to mean another model is no
// version.
import { isObject } from '../json-values.ts'
import type { JsonPath, PinRule } from '../rule.ts'
import { contentRule, type Flaw } from './definitions.ts'
import { isAbsent, wordAt } from './reading.ts'
import { readRoster } from './roster.ts'

/**
 * Names that the upstream may point at another model, and the dated one each stands for (SDK 1.12.0
 * `BetaManagedAgentsModel`). A model that is in neither column has no dated name.
 */
export const datedModelOf: ReadonlyMap<string, string> = new Map([
  ['claude-haiku-4-5', 'claude-haiku-4-5-20251001'],
  ['claude-opus-4-5', 'claude-opus-4-5-20251101'],
  ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'],
])

/** Way 21: the dated name of a model that has one, for the agent and its advisor. `allow` lists aliases that may stay. */
export const datedModels: PinRule = contentRule('dated_models', [21], (definition, at, _request, allow) => {
  const roster = readRoster(definition.fields['multiagent'], definition.storedMultiagent, [
    ...at,
    'multiagent',
  ])
  const advisors = [
    ...(roster?.members ?? []).filter(({ kind }) => kind === 'advisor'),
    ...(roster?.advisor == null ? [] : [roster.advisor]),
  ]
  const used = [
    ...modelIn(definition.fields['model'], [...at, 'model']),
    ...advisors.map(({ path, model }) => ({ path: [...path, 'model'], model })),
  ]
  return used.flatMap(({ path, model }) => (allow.has(model) ? [] : aliasFlaw(path, model)))
})

function modelIn(model: unknown, path: JsonPath): readonly { path: JsonPath; model: string }[] {
  if (isAbsent(model)) return []
  if (!isObject(model)) return [{ path, model: wordAt(model, path) }]
  return [{ path: [...path, 'id'], model: wordAt(model['id'], [...path, 'id']) }]
}

function aliasFlaw(path: JsonPath, model: string): readonly Flaw[] {
  const dated = datedModelOf.get(model)
  if (dated === undefined) return []
  const text = JSON.stringify(dated)
  return [
    {
      ...{ path, requested: model, resolved: dated, edits: [{ kind: 'set', path, text }] },
      what: `is \`${model}\`, a name that can come to mean another model`,
      instead: `\`${text}\``,
    },
  ]
}

/** Way 15: an advisor only of the models in `allow`; it is a bare model, with no version of anything. Forced, it is off. */
export const advisorModels: PinRule = contentRule(
  'advisor_models',
  [15],
  (definition, at, _request, allow) => {
    const path = [...at, 'multiagent']
    const roster = readRoster(definition.fields['multiagent'], definition.storedMultiagent, path)
    const fromList = (roster?.members ?? []).flatMap(({ kind, path, model, listed }) =>
      kind !== 'advisor' || allow.has(model)
        ? []
        : [advisorFlaw(path, model, allow, listed > 1 ? [{ kind: 'remove', path }] : null)],
    )
    const advisor = roster?.advisor ?? null
    if (advisor === null || allow.has(advisor.model)) return fromList
    const off = { kind: 'set', path: advisor.path, text: '{"type":"disabled"}' } as const
    return [...fromList, advisorFlaw(advisor.path, advisor.model, allow, [off])]
  },
)

function advisorFlaw(path: JsonPath, model: string, allow: ReadonlySet<string>, edits: Flaw['edits']): Flaw {
  const allowed = [...allow].slice(0, 8).map((name) => `\`${name}\``)
  return {
    ...{ path, requested: model, resolved: edits === null ? '' : 'disabled', edits },
    what: `asks \`${model}\` for advice`,
    instead: `no advisor${allowed.length === 0 ? '' : `, or one of ${allowed.join(', ')}`}`,
  }
}
