// The clients' own run: `npm run test:clients`. The files end in `.matrix.ts`, so that `npm test` does not take them.
import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: vitest loads its configuration by the default export
export default defineConfig({
  test: {
    include: ['test/clients/**/*.matrix.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    allowOnly: false,
    // Old SDKs print what they choke on.
    silent: 'passed-only',
  },
})
