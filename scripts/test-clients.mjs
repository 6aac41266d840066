// `npm run test:clients`: installs the clients of `test/clients` when they are missing or have changed, walks each of
// them directly and through Tollgate (arguments go to vitest), and ends like `npm test`: `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { holdLock } from './hold-lock.mjs'
import { ensureInstalled, root } from './install.mjs'

const folder = join(root, 'test', 'clients')
const lockPath = join(folder, 'package-lock.json')
// `npm ci` removes it with all else, so it is there only after an install that came to its end.
const markerPath = join(folder, 'node_modules', '.tollgate-lock')

await ensureInstalled()
await ensureClientsInstalled()
const args = ['scripts/test.mjs', '--config', join(folder, 'vitest.config.ts'), ...process.argv.slice(2)]
const tests = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
process.exitCode = tests.status ?? 1

async function ensureClientsInstalled() {
  if (isInstalled()) return
  const release = await holdLock('install-clients', root, () =>
    process.stderr.write('tollgate: another run is installing the clients; waiting for it\n'),
  )
  try {
    // Another run may have installed while we waited.
    if (!isInstalled()) install()
  } finally {
    release()
  }
}

function isInstalled() {
  try {
    return readFileSync(markerPath, 'utf8') === lockHash()
  } catch (cause) {
    if (cause.code === 'ENOENT' && cause.path === markerPath) return false
    throw cause
  }
}

function install() {
  process.stderr.write('tollgate: installing the clients of `test/clients`\n')
  // The npm that runs us, else the one on the PATH.
  const script = process.env.npm_execpath
  const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
  const [command, ...rest] = script?.endsWith('npm-cli.js') ? [process.execPath, script] : ['npm']
  const done = spawnSync(command, [...rest, ...flags], { cwd: folder, stdio: ['ignore', 2, 2] })
  if (done.status !== 0) {
    process.stderr.write('tollgate: installing the clients failed; npm says why above\n')
    process.exit(1)
  }
  writeFileSync(markerPath, lockHash())
}

function lockHash() {
  return createHash('sha256').update(readFileSync(lockPath)).digest('hex')
}
