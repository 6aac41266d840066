#!/usr/bin/env node
// The `tollgate` command. Source runs as written: tsx translates the types away while loading.
import { register } from 'tsx/esm/api'

register()
const { runTollgate } = await import('../src/cli/tollgate.ts')
// Set, not exit(): what is still being written to a pipe must arrive.
process.exitCode = await runTollgate(process.argv.slice(2))
