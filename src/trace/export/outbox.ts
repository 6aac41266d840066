// The outbox: requests that are to be sent, each a file with its very bytes, so that what is sent again after a crash or an
// outage is the same to the byte. A file goes when its receiver has said yes.
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeDurably } from '../../kernel/journal-files.ts'
import { parseJson } from '../../kernel/parse-json.ts'

export type Signal = 'traces' | 'logs'

const headSchema = z.object({
  signal: z.enum(['traces', 'logs']),
  type: z.string(),
  made_at_ms: z.number(),
  items: z.array(z.object({ session_id: z.string(), uid: z.string() })),
})

export type Letter = Readonly<z.output<typeof headSchema>> & { readonly bytes: Buffer }

export type Outbox = {
  /** Resolves when it is on the disk. */
  readonly put: (letter: Letter) => Promise<void>
  /** The oldest one and its name; null when there is none. */
  readonly next: () => Promise<{ readonly name: string; readonly letter: Letter } | null>
  readonly done: (name: string) => Promise<void>
  readonly bytes: () => number
  readonly count: () => number
  /** When the oldest one was made; null when there is none. */
  readonly oldestMs: () => number | null
  /** What the letters hold that were here at the start: nobody may build it again. */
  readonly held: () => readonly { readonly session_id: string; readonly uid: string }[]
}

const extension = '.otlp'

/** Opens the folder, which is made when it is missing. A file that cannot be read is no letter, and stays for a person to see. */
export function openOutbox(dir: string): Outbox {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const letters = new Map<string, { readonly bytes: number; readonly madeAtMs: number }>()
  const held: { readonly session_id: string; readonly uid: string }[] = []
  let bytes = 0
  let number = 0
  const note = (name: string, size: number, madeAtMs: number): void => {
    letters.set(name, { bytes: size, madeAtMs })
    bytes += size
  }
  for (const name of readdirSync(dir)
    .filter((each) => each.endsWith(extension))
    .toSorted()) {
    const letter = readLetter(readFileSync(join(dir, name)))
    if (letter === null) continue
    note(name, statSync(join(dir, name)).size, letter.made_at_ms)
    held.push(...letter.items)
    number = Math.max(number, Number.parseInt(name, 10))
  }
  return {
    put: async (letter) => {
      number += 1
      const name = `${String(number).padStart(12, '0')}${extension}`
      const { bytes: body, ...head } = letter
      const content = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body])
      await writeDurably(join(dir, name), content)
      note(name, content.length, letter.made_at_ms)
    },
    next: async () => {
      for (const name of letters.keys()) {
        const letter = readLetter(await readFile(join(dir, name)))
        if (letter !== null) return { name, letter }
        letters.delete(name)
      }
      return null
    },
    done: async (name) => {
      await unlink(join(dir, name))
      bytes -= letters.get(name)?.bytes ?? 0
      letters.delete(name)
    },
    bytes: () => bytes,
    count: () => letters.size,
    oldestMs: () => letters.values().next().value?.madeAtMs ?? null,
    held: () => held,
  }
}

function readLetter(content: Buffer): Letter | null {
  const end = content.indexOf(10)
  const head = headSchema.safeParse(parseJson(content.subarray(0, Math.max(0, end)).toString('utf8')))
  return head.success ? { ...head.data, bytes: content.subarray(end + 1) } : null
}
