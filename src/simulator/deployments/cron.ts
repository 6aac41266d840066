// When a cron schedule fires: five POSIX fields, matched literally against the wall clock of a timezone. A time that
// spring-forward leaves out never fires and one that fall-back repeats fires twice, as the upstream documents it;
// the cron libraries on npm shift the first and drop the second, which is why this is written by hand.

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Leap day recurs within eight years at most, so what does not fire in that time never does. */
const horizonMs = 2928 * dayMs
const someTimeMs = Date.UTC(2000, 0, 1)

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

type Field = {
  readonly name: string
  readonly min: number
  readonly max: number
  /** Names that stand for the numbers from `min` on. */
  readonly names?: readonly string[]
}

const minuteField: Field = { name: 'minute', min: 0, max: 59 }
const hourField: Field = { name: 'hour', min: 0, max: 23 }
const dayField: Field = { name: 'day of month', min: 1, max: 31 }
const monthField: Field = { name: 'month', min: 1, max: 12, names: months }
const weekdayField: Field = { name: 'day of week', min: 0, max: 7, names: weekdays }

type Matcher = {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly isMonth: (month: number) => boolean
  readonly isDay: (day: number, weekday: number) => boolean
}

/** A schedule that can be asked when it fires. */
export type CronSchedule = {
  /** The first instant after `afterMs`, a whole minute in epoch milliseconds; null when it never fires again. */
  readonly nextFire: (afterMs: number) => number | null
}

/**
 * Reads an expression and a timezone. Throws an error that says what is wrong with either, or that the schedule
 * never fires at all (`0 0 31 2 *`).
 */
export function readCron(expression: string, timezone: string): CronSchedule {
  const matcher = readExpression(expression)
  const offsetMs = zoneOffset(timezone)
  const nextFire = (afterMs: number): number | null => {
    let at = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs
    const limitMs = at + horizonMs
    while (at <= limitMs) {
      const waitMs = msToCandidate(matcher, at + offsetMs(at))
      if (waitMs === 0) return at
      at = skip(at, waitMs, offsetMs)
    }
    return null
  }
  if (nextFire(someTimeMs) === null) throw new Error(`\`${expression}\` never fires: give a date that exists`)
  return { nextFire }
}

function readExpression(expression: string): Matcher {
  const parts = expression.trim().split(/\s+/)
  const [minute, hour, day, month, weekday] = parts
  if (
    parts.length !== 5 ||
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    month === undefined ||
    weekday === undefined
  ) {
    throw new Error(`\`${expression}\` is no cron expression: give five fields, minute to day of week`)
  }
  const days = readField(day, dayField)
  const monthNumbers = readField(month, monthField)
  const weekdayNumbers = new Set([...readField(weekday, weekdayField)].map((number) => number % 7))
  const anyDay = day === '*'
  const anyWeekday = weekday === '*'
  return {
    minutes: readField(minute, minuteField),
    hours: readField(hour, hourField),
    isMonth: (number) => monthNumbers.has(number),
    // POSIX: with both given a day matches either; a plain `*` leaves the choice to the other.
    isDay: (number, name) =>
      anyDay || anyWeekday
        ? days.has(number) && weekdayNumbers.has(name)
        : days.has(number) || weekdayNumbers.has(name),
  }
}

function readField(text: string, field: Field): ReadonlySet<number> {
  const values = new Set<number>()
  for (const item of text.split(',')) {
    const [, from, to, step] = /^(\*|\d+|[a-z]+)(?:-(\d+|[a-z]+))?(?:\/(\d+))?$/i.exec(item) ?? []
    const isRange = from === '*' || to !== undefined
    // `5/15` means different things to different crons, so it is refused like the special characters are.
    if (from === undefined || (from === '*' && to !== undefined) || (step !== undefined && !isRange)) {
      throw new Error(`\`${item}\` is no ${field.name}: give \`*\`, numbers, ranges, lists or steps of these`)
    }
    const first = from === '*' ? field.min : readValue(from, field)
    const last = from === '*' ? field.max : to === undefined ? first : readValue(to, field)
    const stride = step === undefined ? 1 : Number(step)
    if (last < first) throw new Error(`\`${item}\` runs backwards: give the smaller ${field.name} first`)
    if (stride < 1) throw new Error(`\`${item}\` has no step: give one from 1`)
    for (let value = first; value <= last; value += stride) values.add(value)
  }
  return values
}

function readValue(text: string, { name, min, max, names = [] }: Field): number {
  const named = names.indexOf(text.toLowerCase())
  const value = named === -1 ? Number(text) : min + named
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new Error(`\`${text}\` is no ${name}: give one from ${min} to ${max}`)
}

/** Milliseconds of wall-clock time from a minute to the next that might match; 0 when it matches itself. */
function msToCandidate({ minutes, hours, isMonth, isDay }: Matcher, localMs: number): number {
  const local = new Date(localMs)
  const toNextDayMs = dayMs - (localMs % dayMs)
  if (!isMonth(local.getUTCMonth() + 1)) {
    const toNextMonthMs = Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 1) - localMs
    // A day short of it: however often the clock is changed on the way, that is still this month.
    return Math.max(toNextDayMs, toNextMonthMs - dayMs)
  }
  if (!isDay(local.getUTCDate(), local.getUTCDay())) return toNextDayMs
  const hour = local.getUTCHours()
  if (!hours.has(hour)) return (following(hours, hour, 24) - hour) * hourMs - (localMs % hourMs)
  const minute = local.getUTCMinutes()
  return minutes.has(minute) ? 0 : (following(minutes, minute, 60) - minute) * minuteMs
}

/** The smallest of `values` above `value`, or `end` when there is none. */
const following = (values: ReadonlySet<number>, value: number, end: number): number =>
  Math.min(end, ...[...values].filter((each) => each > value))

/** `at` moved on by `waitMs` of wall-clock time, stopping where the clock is changed on the way. */
function skip(at: number, waitMs: number, offsetMs: (at: number) => number): number {
  const before = offsetMs(at)
  if (offsetMs(at + waitMs) === before) return at + waitMs
  let same = at
  let changed = at + waitMs
  while (changed - same > minuteMs) {
    const middle = same + Math.floor((changed - same) / 2 / minuteMs) * minuteMs
    if (offsetMs(middle) === before) same = middle
    else changed = middle
  }
  return changed
}

/** What a timezone's wall clock is ahead of UTC, by instant. Throws for a name the IANA database does not have. */
function zoneOffset(timezone: string): (at: number) => number {
  const format = zoneFormat(timezone)
  return (at) => {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
    for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts
    return Date.UTC(year, month - 1, day, hour, minute) - Math.floor(at / minuteMs) * minuteMs
  }
}

function zoneFormat(timeZone: string): Intl.DateTimeFormat {
  const numbers = {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  } as const
  // Offsets like `+01:00` are timezones to Intl, but not to the IANA database.
  if (/^[a-z]/i.test(timeZone)) {
    try {
      return new Intl.DateTimeFormat('en-US', { ...numbers, timeZone, hourCycle: 'h23' })
    } catch {
      // Said below, in our words.
    }
  }
  throw new Error(`\`${timeZone}\` is no IANA timezone: give one like \`America/New_York\` or \`UTC\``)
}
