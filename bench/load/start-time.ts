// How long a person waits: from `npm start` to `/ready`, with everything installed and nothing else there yet.
import { join } from 'node:path'
import { foldersOf } from '../arms/tollgate.ts'
import { freePort } from '../machine/ports.ts'
import { root, startProgram } from '../machine/programs.ts'

const giveUpMs = 60_000

/** Seconds, one entry a round; each round has folders of its own, so each is a first start. */
export async function measureStart(folder: string, rounds: number): Promise<readonly number[]> {
  const seconds: number[] = []
  for (let round = 0; round < rounds; round++) seconds.push(await startOnce(join(folder, `start-${round}`)))
  return seconds
}

async function startOnce(folder: string): Promise<number> {
  const adminPort = await freePort()
  const env = {
    HOME: process.env['HOME'] ?? '',
    ...foldersOf(folder),
    TOLLGATE_LISTEN: '127.0.0.1:0',
    TOLLGATE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
  }
  const startedMs = performance.now()
  const command = ['npm', 'start', '--silent', '--prefix', root] as const
  const program = startProgram({ name: 'npm start', command, env })
  await untilReady(`http://127.0.0.1:${adminPort}/ready`, startedMs + giveUpMs, program.output)
  const seconds = (performance.now() - startedMs) / 1000
  // Resolves when the last of them has closed its output: npm, the gateway and its engine.
  await program.stop()
  return seconds
}

async function untilReady(url: string, untilMs: number, output: () => string): Promise<void> {
  while (performance.now() < untilMs) {
    const answer = await fetch(url).catch(() => null)
    await answer?.arrayBuffer()
    if (answer?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`npm start was not ready within ${giveUpMs / 1000} s:\n${output()}`)
}
