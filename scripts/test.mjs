// `npm test`: makes the clone runnable, runs the tests (arguments go to vitest), and ends with the one line
// `N passed, N failed`. Exit code 0 only when vitest says so and nothing failed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from './build.mjs'
import { ensureInstalled, root } from './install.mjs'
import { runTool } from './run-tool.mjs'

await ensureInstalled()
// Once, so that tests that start the command line do not wait for each other.
await ensureBuilt()
const folder = mkdtempSync(join(tmpdir(), 'tollgate-test-'))
const summaryPath = join(folder, 'summary.json')
process.env.TOLLGATE_TEST_SUMMARY = summaryPath
const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts', 'summary-reporter.mjs')}`]
const code = await runTool('vitest', ['run', ...reporters, ...process.argv.slice(2)])
const { passed, failed: counted, skipped } = readSummary()
// Whatever made vitest end badly without a test of its own (no test found, a wrong option) is one failure.
const failed = code === 0 ? counted : Math.max(1, counted)
rmSync(folder, { recursive: true, force: true })
if (skipped > 0) process.stdout.write(`${skipped} skipped\n`)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = code === 0 && failed > 0 ? 1 : code

function readSummary() {
  try {
    return JSON.parse(readFileSync(summaryPath, 'utf8'))
  } catch {
    // vitest ended before it could count: that is a failure of its own, never "0 failed".
    return { passed: 0, failed: 1, skipped: 0 }
  }
}
