// A process for the kill test: appends numbered records as fast as it can, from argv's first number on, and
// says on stdout what is durable (`a N`) and, when told to consume, what it is about to commit (`r N`) and has
// committed (`c N`). Lines are written at once, so a kill cannot swallow what was already said.
import { writeSync } from 'node:fs'
import { openJournal } from '../../src/kernel/segment-journal.ts'

const [dir = '', first = '0', consumes = 'no'] = process.argv.slice(2)

/** The full stop tells a whole line from one the kill cut short. */
function say(text: string): void {
  for (let rest = Buffer.from(`${text}.\n`); rest.length > 0; ) rest = rest.subarray(writeNow(rest))
}

/** The pipe does not block: a full one is tried again until its reader has made room. */
function writeNow(bytes: Buffer): number {
  try {
    return writeSync(1, bytes)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0
    throw error
  }
}

const journal = await openJournal({ dir, report: () => {}, segmentBytes: 8 * 1024 })
let next = Number(first)

async function appendForever(): Promise<never> {
  for (;;) {
    const n = next++
    await journal.append({ kind: 'numbered', n, filler: 'x'.repeat(n % 300) })
    say(`a ${n}`)
  }
}

async function consumeForever(): Promise<never> {
  for (;;) {
    const batch = await journal.read(50)
    const last = batch.records.at(-1)?.['n']
    if (last === undefined) {
      await new Promise((resolve) => setImmediate(resolve))
      continue
    }
    say(`r ${last}`)
    await journal.commit(batch.next)
    say(`c ${last}`)
  }
}

await Promise.all([
  ...Array.from({ length: 32 }, appendForever),
  ...(consumes === 'consumes' ? [consumeForever()] : []),
])
