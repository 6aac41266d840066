// `npm run check`: format, lint, dead code, types, tests; all of them even when one fails, and in the end what failed.
import { spawnSync } from 'node:child_process'
import { ensureInstalled, root } from './install.mjs'
import { runTool } from './run-tool.mjs'

await ensureInstalled()
const failed = []
if ((await runTool('biome', ['check', '.'])) !== 0)
  failed.push('format and lint (npm run format mends most of it)')
if ((await runTool('knip', [])) !== 0) failed.push('dead code (npx knip)')
if ((await runTool('tsc', ['--noEmit'])) !== 0) failed.push('types (npm run types)')
const tests = spawnSync(process.execPath, ['scripts/test.mjs', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
if (tests.status !== 0) failed.push('tests (npm test)')
process.stdout.write(failed.length === 0 ? 'check: all well\n' : `check: failed: ${failed.join('; ')}\n`)
process.exitCode = failed.length === 0 ? 0 : 1
