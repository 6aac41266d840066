// A vitest reporter that counts what passed and failed into the file named by TOLLGATE_TEST_SUMMARY.
// vitest's own JSON counts tests only: a file that cannot be loaded would look like nothing failed.
import { writeFileSync } from 'node:fs'

// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class SummaryReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      const failedBefore = counts.failed
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'pending') counts.failed++
        else counts[state]++
      }
      // A module that failed with no failed test in it: it did not load, or a hook of it failed.
      if (module.state() === 'failed' && counts.failed === failedBefore) counts.failed++
    }
    const path = process.env.TOLLGATE_TEST_SUMMARY
    if (path) writeFileSync(path, JSON.stringify(counts))
  }
}
