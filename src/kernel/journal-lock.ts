// One process per journal folder. The lock is a listening unix socket in the folder: the kernel closes it with
// its process, kill -9 included, so a lock cannot outlive its holder, and it holds across containers that share
// the folder, where process numbers mean nothing.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, readdir, rename, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import path from 'node:path'

/** Linux takes 107 bytes, macOS 103; a longer path would be cut or refused. */
const socketPathBytesMax = 100
const lockName = /^lock\.[0-9a-f]{16}\.sock$/
const answerTimeoutMs = 500

export type FolderLock = { readonly release: () => Promise<void> }

/**
 * Takes the folder or throws an error that says who has it. Every taker first raises its own lock, then looks
 * for others: of two that start at the same moment at least one sees the other, so never both go on (both may
 * give up). Names are random and never reused, so removing a dead one cannot hit a living one.
 */
export async function lockFolder(dir: string): Promise<FolderLock> {
  const name = `lock.${randomBytes(8).toString('hex')}.sock`
  const server = await listenAs(dir, name)
  const release = async (): Promise<void> => {
    await removeIfThere(path.join(dir, name))
    server.close()
  }
  try {
    for (const other of await readdir(dir)) {
      if (!lockName.test(other) || other === name) continue
      const holder = await askHolder(dir, other)
      if (holder === null) await removeIfThere(path.join(dir, other))
      else
        throw new Error(
          `the journal folder \`${dir}\` is in use by ${holder}; stop it or choose another folder`,
        )
    }
  } catch (error) {
    await release()
    throw error
  }
  return { release }
}

/** The socket gets its lock name only once it listens, so nobody finds it mute and takes it for dead. */
async function listenAs(dir: string, name: string): Promise<Server> {
  const raw = `raise.${name}`
  const server = createServer((socket) => socket.on('error', () => {}).end(`process ${process.pid}`))
  try {
    await withSocketPath(dir, raw, async (socketPath) => {
      server.listen(socketPath)
      await once(server, 'listening')
    })
  } catch (cause) {
    throw new Error(`the journal folder \`${dir}\` cannot hold a lock; choose a short path on a local disk`, {
      cause,
    })
  }
  server.unref()
  await rename(path.join(dir, raw), path.join(dir, name))
  return server
}

/** null when nobody listens any more. Whatever else goes wrong counts as alive: a wrong guess costs data. */
async function askHolder(dir: string, name: string): Promise<string | null> {
  return await withSocketPath(dir, name, async (socketPath) => {
    const socket = connect(socketPath).setTimeout(answerTimeoutMs)
    let answer = ''
    try {
      socket.on('data', (chunk) => {
        answer += chunk.toString()
      })
      socket.on('timeout', () => socket.destroy())
      await once(socket, 'close')
      return answer === '' ? 'another process' : answer
    } catch (error) {
      const gone =
        error instanceof Error && 'code' in error && isOneOf(error.code, ['ECONNREFUSED', 'ENOENT'])
      return gone ? null : 'another process'
    } finally {
      socket.destroy()
    }
  })
}

/** Hands over a path short enough for a socket address; a long one goes through the open folder (Linux). */
async function withSocketPath<T>(
  dir: string,
  name: string,
  use: (socketPath: string) => Promise<T>,
): Promise<T> {
  const direct = path.join(dir, name)
  if (Buffer.byteLength(direct) <= socketPathBytesMax) return await use(direct)
  if (process.platform !== 'linux') {
    throw new Error(`the journal folder's path \`${dir}\` is too long for a lock; choose a shorter one`)
  }
  const folder = await open(dir, 'r')
  try {
    return await use(`/proc/self/fd/${folder.fd}/${name}`)
  } finally {
    await folder.close()
  }
}

async function removeIfThere(file: string): Promise<void> {
  await unlink(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

function isOneOf(code: unknown, codes: readonly string[]): boolean {
  return typeof code === 'string' && codes.includes(code)
}
