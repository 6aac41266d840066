#!/usr/bin/env node
// The `tollgate` command. What runs is `dist/`; in a clone it is made from `src/` when that has changed.
import { existsSync } from 'node:fs'

if (existsSync(new URL('../src/cli/tollgate.ts', import.meta.url))) {
  const { ensureBuilt } = await import('../scripts/build.mjs')
  await ensureBuilt()
}
// Whoever reads our output may have read enough (`| head`): that ends neither a command nor a gateway.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error
  })
}
const { runTollgate } = await import('../dist/cli/tollgate.js')
// Set, not exit(): what is still being written to a pipe must arrive.
process.exitCode = await runTollgate(process.argv.slice(2))
