// The vocabulary as a page for people: `docs/capabilities.md`. Made from the same rows that rules are checked against.
import { operations } from '../upstream/operations.ts'
import { vocabulary } from './vocabulary.ts'
import type { Word } from './vocabulary-table.ts'

/** The whole page, markdown, ending in a line break; the same text on every machine. */
export function renderVocabulary(): string {
  const own = new Set(operations.map(({ action }) => action))
  return [
    intro,
    '## What a request hands out',
    'Asked beside the operation itself, one pair for each thing named.',
    tableOf(vocabulary.filter(({ action }) => !own.has(action))),
    '## The operations themselves',
    'Asked by every call of these operations of the SDK (`client.beta.…`).',
    tableOf(vocabulary.filter(({ action }) => own.has(action))),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

const intro = `# Capabilities: the words of a policy

<!-- Made by \`node scripts/vocabulary.mjs\` from src/authorize/vocabulary*.ts; a test fails when it is stale. -->

Before anything goes up, a request is spelled out as everything it would do: pairs of an action and an object. Every
pair must be allowed by a rule of \`policies/policy.csv\`, and one denial outweighs any number of allowances. What the agent
carries that a session would run is spelled out and judged too, wherever it was made.

    p, role:developer, *, tool.enable, tool/bash:always_ask, allow

- An object is \`kind/name\`. A rule names one exactly, or ends in \`*\` for everything that begins so; \`kind/*\` is all of a kind.
- An object that itself ends in \`/*\` or \`:*\` means any of them (unrestricted networking, a tool that nobody here can name).
  Only a rule that covers all of them allows it. For \`egress.open\`, \`model.use\`, \`secret.send\`, \`web.reach\` and \`tool.confirm\`
  any denial of one name counts against it too: whoever denies one host denies open networking. For other words it does
  not: write allowances, not denials, where it matters.
- What comes from a request is percent-encoded where a rule could not hold it: \`*\` is \`%2A\`, a space \`%20\`, \`,\` \`%2C\`.
- End a rule about an address after the host with \`/\`: \`mcp/https://mcp.example.com*\` also begins \`mcp.example.com.evil.org\`.
- \`….float\` is asked where no version, commit or date fixes what will run: somebody else’s next change decides.
- What this version of Tollgate has never heard of is \`unknown.use\`; what it cannot read is refused by the field’s name.`

function tableOf(words: readonly Word[]): string {
  const rows = words.map(
    ({ action, means, from, example }) =>
      `| \`${action}\` | ${means} | ${from} | \`p, role:developer, *, ${action}, ${example}, allow\` |`,
  )
  return ['| action | allows to | asked by | example |', '| --- | --- | --- | --- |', ...rows].join('\n')
}
