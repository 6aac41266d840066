// Agents that a model makes up while it runs, and the programs it writes to run them: neither has a version, and both are
// on unless somebody says `disabled`.
import type { PinRule } from '../rule.ts'
import { contentRule, type Flaw } from './definitions.ts'
import { type Part, readRoster } from './roster.ts'

const off = '{"type":"disabled"}'

/** Ways 12 and 13: no part of a roster lets the model write its own agents. */
export const noInlineAgents: PinRule = contentRule('no_inline_agents', [12, 13], (definition, at) => {
  const path = [...at, 'multiagent']
  const roster = readRoster(definition.fields['multiagent'], definition.storedMultiagent, path)
  return (roster?.parts ?? []).filter(({ isInlineOn }) => isInlineOn).map(inlineFlaw)
})

/** Without an agent of its own to name, a part can only be off: that is written where nobody asked for it on. */
function inlineFlaw({ name, path, from, predefined }: Part): Flaw {
  const what = `lets the model write agents of its own${turnedOn[from]}`
  const base = { path, requested: 'inline agents', what }
  if (predefined === 0) {
    const instead = `\`"${name}": ${off}\`, or \`"inline_agents": ${off}\` with at least one agent in \`predefined_agents\``
    const edits = from === 'written' ? null : [{ kind: 'set', path, text: off } as const]
    return { ...base, resolved: edits === null ? '' : 'disabled', instead, edits }
  }
  const instead = `\`"inline_agents": ${off}\` in it`
  const text = `{"type":"enabled","inline_agents":${off}}`
  const edit =
    from === 'written'
      ? ({ kind: 'set', path: [...path, 'inline_agents'], text: off } as const)
      : ({ kind: 'set', path, text } as const)
  return { ...base, resolved: 'disabled', instead, edits: [edit] }
}

const turnedOn: { readonly [from in Part['from']]: string } = {
  written: '',
  kept: ', as the stored version does, which this update keeps',
  default: ', which is the default when it is left out or null',
}

/** Ways 13 and 14: no workflows, whose programs nobody can read and no permission policy stops. */
export const noWorkflows: PinRule = contentRule('no_workflows', [13, 14], (definition, at) => {
  const path = [...at, 'multiagent']
  const roster = readRoster(definition.fields['multiagent'], definition.storedMultiagent, path)
  const parts = (roster?.parts ?? []).filter(({ name }) => name === 'workflows')
  return parts.map((part) => ({
    path: part.path,
    requested: 'workflows',
    resolved: 'disabled',
    what: `lets the agent start workflows${turnedOn[part.from]}`,
    instead: `\`"workflows": ${off}\``,
    edits: [{ kind: 'set', path: part.path, text: off }],
  }))
})
