// The stops this gateway knows: in memory for every request, in a file that a crash leaves whole, and in the ledger, where
// other gateways read them. A ledger that is away neither lifts a stop nor keeps one from being ordered.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { isInForce, mergeStops, type Stop, stopKinds } from './authorize/stops/stop.ts'
import { writeDurably } from './kernel/journal-files.ts'
import type { Logger } from './kernel/logger.ts'
import { parseJson } from './kernel/parse-json.ts'
import type { Ledger } from './ledger/port.ts'
import { readStops, type StopRow, writeStops } from './ledger/queries/stops.ts'

const stopSchema = z.object({
  stop_id: z.string(),
  kind: z.enum(stopKinds),
  target: z.string(),
  version: z.number(),
  reason: z.string(),
  ordered_by: z.string(),
  ordered_at_ms: z.number(),
  until_ms: z.number(),
  archive: z.boolean(),
  lifted_by: z.string(),
  lifted_at_ms: z.number(),
})

const rememberedMs = 365 * 86_400_000

export type StopStore = {
  /** All that are known, oldest first. */
  readonly all: () => readonly Stop[]
  readonly inForce: (nowMs: number) => readonly Stop[]
  /** Resolves when the change is on this disk; the ledger has it as soon as it answers. */
  readonly put: (stop: Stop) => Promise<void>
  /** Brings what others ordered here, and what was ordered here there. Rejects with what the ledger throws. */
  readonly share: (nowMs: number) => Promise<void>
}

/** Opens it. Throws when the file is there and cannot be read: who could lift a stop by breaking a file would. */
export function openStopStore({
  dataDir,
  ledger,
  logger,
}: {
  readonly dataDir: string
  readonly ledger: Pick<Ledger, 'query' | 'insert'>
  readonly logger: Logger
}): StopStore {
  const file = join(dataDir, 'stops.json')
  let stops = readFile(file)
  let shared = new Set<string>()
  let saving: Promise<void> = Promise.resolve()
  const nameOf = ({ stop_id, lifted_at_ms }: Stop): string => `${stop_id} ${lifted_at_ms}`
  const save = (): Promise<void> => {
    // One after the other: each writes what is known by then.
    saving = saving
      .catch(() => undefined)
      .then(() => writeDurably(file, `${JSON.stringify(stops, null, 1)}\n`))
    return saving
  }
  return {
    all: () => stops,
    inForce: (nowMs) => (stops.length === 0 ? stops : stops.filter((stop) => isInForce(stop, nowMs))),
    put: (stop) => {
      stops = mergeStops([...stops.filter(({ stop_id }) => stop_id !== stop.stop_id), stop])
      return save()
    },
    share: async (nowMs) => {
      const theirs = (await readStops(ledger, nowMs - rememberedMs)).flatMap(toStop)
      const known = new Set(stops.map(nameOf))
      stops = mergeStops(stops, theirs)
      if (stops.some((stop) => !known.has(nameOf(stop)))) {
        await save().catch((err: unknown) =>
          logger.error({ err }, 'stops of other gateways are not on this disk'),
        )
      }
      shared = new Set([...shared, ...theirs.map(nameOf)])
      const missing = stops.filter((stop) => !shared.has(nameOf(stop)))
      await writeStops(
        ledger,
        missing.map((stop) => ({ ...stop, archive: stop.archive ? 1 : 0 })),
      )
    },
  }
}

function readFile(file: string): readonly Stop[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  const parsed = z.array(stopSchema).safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new Error(
    `\`${file}\` cannot be read, and it says what is stopped: restore it, or remove it to lift all it held`,
  )
}

function toStop(row: StopRow): readonly Stop[] {
  const kind = stopKinds.find((each) => each === row.kind)
  return kind === undefined ? [] : [{ ...row, kind, archive: row.archive === 1 }]
}
