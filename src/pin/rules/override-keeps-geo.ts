// An override of the model drops the region that the version was pinned to, unless it says the region again.
import { isObject, member } from '../json-values.ts'
import type { Finding, PinRule } from '../rule.ts'
import { readNamedAgent } from './reference.ts'

/** Way 5: an override of `model` keeps the saved `inference_geo`. Forced, it is written into the override. */
export const overrideKeepsGeo: PinRule = {
  requirement: 'override_keeps_geo',
  ways: [5],
  operations: new Set(['sessions.create']),
  examine: (request) => {
    const named = readNamedAgent('override_keeps_geo', request)
    if (named === null) return []
    if (named.kind === 'finding') return [named.finding]
    if (!named.overrides.includes('model')) return []
    return request.facts.agentVersion(named.id, named.version).then((saved) => {
      const geo = member(member(saved?.config, 'model'), 'inference_geo')
      return typeof geo !== 'string' ? [] : examineModel(member(request.parsed['agent'], 'model'), geo)
    })
  },
}

function examineModel(model: unknown, geo: string): readonly Finding[] {
  const sent = member(model, 'inference_geo')
  if (sent === geo) return []
  const id = isObject(model) ? member(model, 'id') : model
  const isWritable = typeof id === 'string'
  const value = JSON.stringify(geo)
  const path = ['agent', 'model']
  return [
    {
      requirement: 'override_keeps_geo',
      path,
      requested: typeof sent === 'string' ? sent : 'no inference_geo',
      resolved: isWritable ? geo : '',
      sentence: `the agent is pinned to the region \`${geo}\` and this override of \`model\` leaves it; send \`"inference_geo": ${value}\` in it`,
      edits: !isWritable
        ? null
        : isObject(model)
          ? [{ kind: 'set', path: [...path, 'inference_geo'], text: value }]
          : [{ kind: 'set', path, text: JSON.stringify({ id, inference_geo: geo }) }],
    },
  ]
}
