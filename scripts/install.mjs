// Makes a fresh clone runnable: the right Node, and the dependencies the lockfile names.
// Uses nothing but Node, and does nothing when all is in place (a few milliseconds).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { holdLock } from './hold-lock.mjs'

/** The repository's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const oldestNode = [20, 19]
const lockPath = join(root, 'package-lock.json')
const installedPath = join(root, 'node_modules', '.package-lock.json')
const markerPath = join(root, 'node_modules', '.tollgate-lock')

/** Checks Node and installs what is missing or changed; on failure says what to do and ends the process with 1. */
export async function ensureInstalled() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    fail(
      `Tollgate needs Node ${oldestNode.join('.')} or newer, this is ${process.versions.node}; install a newer one`,
    )
  }
  if (isInstalled()) return
  const release = await holdLock('install', root, () =>
    process.stderr.write('tollgate: another run is installing; waiting for it\n'),
  ).catch((cause) => fail(cause.message))
  try {
    // Another run may have installed while we waited.
    if (!isInstalled()) install()
  } finally {
    release()
  }
}

function isInstalled() {
  const lock = readText(lockPath)
  if (lock === undefined) fail('package-lock.json is missing; is this a full clone of the repository?')
  const hash = createHash('sha256').update(lock).digest('hex')
  if (readText(markerPath) === hash) return true
  // Somebody may have run npm themselves: what npm says it installed decides, not our marker.
  const installed = readText(installedPath)
  if (installed === undefined || !sameTree(JSON.parse(lock).packages, JSON.parse(installed).packages))
    return false
  writeFileSync(markerPath, hash)
  return true
}

/** True when every package the lockfile needs is installed in its version (other platforms' packages may lack). */
function sameTree(wanted, installed) {
  return Object.entries(wanted).every(
    ([path, { version, optional, devOptional }]) =>
      path === '' || installed[path]?.version === version || (!installed[path] && (optional || devOptional)),
  )
}

function install() {
  process.stderr.write(
    'tollgate: installing dependencies (the first time, or package-lock.json has changed)\n',
  )
  const npm = npmCommand()
  const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=dev']
  const done = spawnSync(npm.command, [...npm.args, ...flags], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: npm.shell,
  })
  if (done.signal) fail(`installing was stopped by ${done.signal}; start again`)
  if (done.status !== 0) fail('installing failed; npm says why above. Check the network and start again')
  const lock = readFileSync(lockPath)
  writeFileSync(markerPath, createHash('sha256').update(lock).digest('hex'))
}

/** The npm that runs us, else the one beside Node, else the one on the PATH. */
function npmCommand() {
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')
  const script = [process.env.npm_execpath, beside].find(
    (path) => path?.endsWith('npm-cli.js') && existsSync(path),
  )
  if (script) return { command: process.execPath, args: [script], shell: false }
  return { command: 'npm', args: [], shell: process.platform === 'win32' }
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function fail(message) {
  process.stderr.write(`tollgate: ${message}\n`)
  process.exit(1)
}
