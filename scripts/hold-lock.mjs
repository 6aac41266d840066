// One at a time: two terminals (`npm start` and `npm test`) must not install or build in one folder together.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Waits until nobody else holds `name` for this folder, takes it, and resolves with the function that gives it back.
 * A holder that died holds nothing. Rejects when the temporary folder cannot be written.
 */
export async function holdLock(name, root, onWait) {
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), `tollgate-${name}-${hash}`)
  const holder = join(folder, 'pid')
  for (let waited = false; ; waited = true) {
    try {
      mkdirSync(folder)
      writeFileSync(holder, String(process.pid))
      return () => rmSync(folder, { recursive: true, force: true })
    } catch (cause) {
      if (cause.code !== 'EEXIST') throw new Error(`cannot write \`${folder}\` (${cause.code})`, { cause })
    }
    if (waited && !isAlive(readPid(holder))) rmSync(folder, { recursive: true, force: true })
    else if (!waited) onWait()
    await new Promise((done) => setTimeout(done, 100))
  }
}

function readPid(path) {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return 0
  }
}

function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return cause.code === 'EPERM'
  }
}
