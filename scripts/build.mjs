// `src/` -> `dist/`: the types taken away, nothing bundled, data files copied. Does nothing when `dist/` is that of this
// very source (a few milliseconds). Uses the TypeScript of the clone; what is released carries `dist/` alone.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { holdLock } from './hold-lock.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'src')
const target = join(root, 'dist')
const stampPath = join(target, '.source')

/** Builds when the source has changed since. Throws with what the compiler said when it cannot. */
export async function ensureBuilt() {
  if (readStamp() === sourceHash()) return
  const release = await holdLock('build', root, () => {})
  try {
    // Another run may have built while we waited.
    const hash = sourceHash()
    if (readStamp() !== hash) build(hash)
  } finally {
    release()
  }
}

/** Names, sizes and times of everything that goes into a build. */
function sourceHash() {
  const hash = createHash('sha256')
  const add = (path) => {
    const { size, mtimeMs } = statSync(path)
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  for (const name of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']) add(join(root, name))
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) add(join(entry.parentPath, entry.name))
  }
  return hash.digest('hex')
}

function readStamp() {
  try {
    return readFileSync(stampPath, 'utf8')
  } catch {
    return undefined
  }
}

/** Into a folder beside it first: a running gateway that starts a process of its own must never find half a build. */
function build(hash) {
  const fresh = mkdtempSync(join(root, '.dist-'))
  try {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    // The types are `npm run types`' business: code that runs is not kept from running by them.
    const options = ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', fresh]
    const done = spawnSync(process.execPath, [compiler, ...options], { cwd: root, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`the source does not compile:\n${done.stdout}${done.stderr}`)
    const isData = (path) => !path.endsWith('.ts') && !path.endsWith(`${sep}README.md`)
    cpSync(source, fresh, { recursive: true, filter: isData })
    writeFileSync(join(fresh, '.source'), hash)
    const old = `${fresh}-old`
    const had = move(target, old)
    renameSync(fresh, target)
    if (had) rmSync(old, { recursive: true, force: true })
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

function move(from, to) {
  try {
    renameSync(from, to)
    return true
  } catch (cause) {
    if (cause.code === 'ENOENT') return false
    throw cause
  }
}

// `node scripts/build.mjs`, as the container's build does.
if (process.argv[1] === fileURLToPath(import.meta.url)) await ensureBuilt()
