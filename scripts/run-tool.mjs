// Runs one of the development tools with this very Node, passes signals on, and tells how it ended.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './install.mjs'

const tools = {
  biome: '@biomejs/biome/bin/biome',
  knip: 'knip/bin/knip.js',
  tsc: 'typescript/bin/tsc',
  vitest: 'vitest/vitest.mjs',
}

/** Runs the tool in the repository's folder on our terminal; resolves with its exit code (1 when a signal ended it). */
export function runTool(name, args) {
  const child = spawn(process.execPath, [join(root, 'node_modules', tools[name]), ...args], {
    cwd: root,
    stdio: 'inherit',
  })
  const pass = (signal) => child.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, pass)
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('exit', (code) => {
      for (const signal of signals) process.off(signal, pass)
      done(code ?? 1)
    })
  })
}
