// `node scripts/vocabulary.mjs`: writes docs/capabilities.md from the vocabulary that policies are checked against.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { register } from 'tsx/esm/api'
import { root } from './install.mjs'

register()
const { renderVocabulary } = await import('../src/authorize/vocabulary-page.ts')
writeFileSync(join(root, 'docs', 'capabilities.md'), renderVocabulary())
