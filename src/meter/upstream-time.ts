// Times as the upstream writes them and as the ledger stores them, both exact to the microsecond: as integers of
// microseconds since the epoch (safe until the year 2255).

const isoPattern = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/
const ledgerPattern = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?$/

// What the ledger's columns hold without cutting, and no session of ours is older or younger: 1970 to 2200.
const latestMicros = 7_258_118_400_000_000

/** Reads an ISO 8601 time with zone; finer than a microsecond is cut. Null when it is not one, or not of 1970 to 2200. */
export function parseUpstreamTime(text: string): number | null {
  const [, day, time, fraction = '', zone] = isoPattern.exec(text) ?? []
  if (day === undefined || time === undefined || zone === undefined) return null
  const micros = toMicros(Date.parse(`${day}T${time}${zone}`), fraction)
  return micros !== null && micros >= 0 && micros <= latestMicros ? micros : null
}

/** Reads what ClickHouse answers for a UTC DateTime64. Throws on anything else: the ledger is ours. */
export function parseLedgerTime(text: string): number {
  const [, day, time, fraction = ''] = ledgerPattern.exec(text) ?? []
  const micros = toMicros(Date.parse(`${day}T${time}Z`), fraction)
  if (micros === null) throw new Error(`\`${text}\` is not a time of the ledger; select the column as it is`)
  return micros
}

/** Writes microseconds as ClickHouse reads a UTC DateTime64(6). */
export function formatLedgerTime(micros: number): string {
  const ms = Math.floor(micros / 1000)
  const rest = String(micros - ms * 1000).padStart(3, '0')
  return `${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')}${rest}`
}

function toMicros(secondMs: number, fraction: string): number | null {
  if (!Number.isFinite(secondMs)) return null
  return secondMs * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'))
}
