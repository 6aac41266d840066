// The page about the words of a policy says what the code asks.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { vocabulary } from '../../src/authorize/vocabulary.ts'
import { renderVocabulary } from '../../src/authorize/vocabulary-page.ts'

test('docs/capabilities.md is what `node scripts/vocabulary.mjs` writes', () => {
  const page = readFileSync(new URL('../../docs/capabilities.md', import.meta.url), 'utf8')
  expect(page === renderVocabulary(), 'stale: run `node scripts/vocabulary.mjs`').toBe(true)
})

test('every word has an example that is a rule, and says what it allows and what asks for it', () => {
  const page = renderVocabulary()
  for (const { action, kind, means, from, example } of vocabulary) {
    const rule = `p, role:developer, *, ${action}, ${example}, allow`
    expect(parsePolicy(rule, 'policy.csv').rules).toHaveLength(1)
    expect(example.startsWith(`${kind}/`)).toBe(true)
    expect(page).toContain(`| \`${action}\` | ${means} | ${from} | \`${rule}\` |`)
    // A bar would end the cell.
    expect(`${means}${from}`).toMatch(/^[^|\n]{10,}$/)
  }
  expect(new Set(vocabulary.map(({ action }) => action)).size).toBe(vocabulary.length)
})
