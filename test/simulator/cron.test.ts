// When schedules fire, against a reading of the rules that tries every minute.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCron } from '../../src/simulator/deployments/cron.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

type Fields = readonly [minute: string, hour: string, day: string, month: string, weekday: string]
type WallClock = { minute: number; hour: number; day: number; month: number; weekday: number }

function wallClock(format: Intl.DateTimeFormat, at: number): WallClock {
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  const weekday = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(parts['weekday'] ?? '')
  const [minute = 0, hour = 0, day = 0, month = 0] = ['minute', 'hour', 'day', 'month'].map((name) =>
    Number(parts[name]),
  )
  return { minute, hour, day, month, weekday }
}

/** Whether a field of lists, ranges and steps of numbers has `value`. */
const has = (field: string, value: number, min: number): boolean =>
  field.split(',').some((item) => {
    const [range = '', step = '1'] = item.split('/')
    const [from = '', to = from] = range === '*' ? [String(min), '99'] : range.split('-')
    return value >= Number(from) && value <= Number(to) && (value - Number(from)) % Number(step) === 0
  })

type Minute = WallClock & { at: number }

/** Every minute of three days from `from`, as the wall clock of a timezone shows it. */
function minutesOf(timeZone: string, from: string): readonly Minute[] {
  const numbers = { minute: 'numeric', hour: 'numeric', day: 'numeric', month: 'numeric' } as const
  const format = new Intl.DateTimeFormat('en-US', {
    ...numbers,
    weekday: 'short',
    hourCycle: 'h23',
    timeZone,
  })
  return Array.from({ length: 3 * 24 * 60 }, (_, index) => {
    const at = Date.parse(from) + (index + 1) * minuteMs
    return { at, ...wallClock(format, at) }
  })
}

/** Every fire among the minutes, found by asking each. */
function bruteForce([minute, hour, day, month, weekday]: Fields, minutes: readonly Minute[]) {
  const isFire = (local: Minute): boolean => {
    const isDay = has(day, local.day, 1)
    const isWeekday = has(weekday, local.weekday, 0) || (local.weekday === 0 && has(weekday, 7, 0))
    const isToday = day === '*' || weekday === '*' ? isDay && isWeekday : isDay || isWeekday
    return isToday && has(minute, local.minute, 0) && has(hour, local.hour, 0) && has(month, local.month, 1)
  }
  return minutes.filter(isFire).map(({ at }) => at)
}

function firesBetween(expression: string, timezone: string, fromMs: number, toMs: number): readonly number[] {
  const { nextFire } = readCron(expression, timezone)
  const fires: number[] = []
  for (let at = nextFire(fromMs); at !== null && at <= toMs; at = nextFire(at)) fires.push(at)
  return fires
}

const iso = (fires: readonly number[]) => fires.map((at) => new Date(at).toISOString().slice(0, 16))

const field = (min: number, max: number) => {
  const value = fc.integer({ min, max })
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const stepped = fc.tuple(fc.oneof(range, fc.constant('*')), fc.integer({ min: 2, max: 9 }))
  const item = fc.oneof(
    value.map(String),
    range,
    stepped.map(([what, step]) => `${what}/${step}`),
  )
  const list = fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(','))
  return fc.oneof(fc.constant('*'), list)
}

// Days around a change of the clock: an hour at night, half an hour, at midnight, and a whole day left out.
const changes = [
  ['America/New_York', '2026-03-07T12:00Z'],
  ['America/New_York', '2026-10-31T12:00Z'],
  ['Europe/Berlin', '2026-10-24T12:00Z'],
  ['Australia/Lord_Howe', '2026-04-03T12:00Z'],
  ['Australia/Lord_Howe', '2026-10-02T12:00Z'],
  ['America/Sao_Paulo', '2018-11-03T00:00Z'],
  ['Pacific/Apia', '2011-12-29T00:00Z'],
  ['Africa/Casablanca', '2026-02-14T00:00Z'],
  ['Asia/Kathmandu', '2026-02-27T12:00Z'],
  ['UTC', '2028-02-28T00:00Z'],
] as const

test('every fire is one that trying every minute finds, and none is missed, whatever the clock does', () => {
  const fields = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
  const spans = changes.map(([timezone, from]) => ({ timezone, from, minutes: minutesOf(timezone, from) }))
  fc.assert(
    fc.property(fields, fc.constantFrom(...spans), (given, { timezone, from, minutes }) => {
      const fromMs = Date.parse(from)
      const expected = bruteForce(given, minutes)
      // What never fires is refused, and is no matter here.
      if (expected.length === 0) return
      const actual = firesBetween(given.join(' '), timezone, fromMs, fromMs + 3 * dayMs)
      expect(iso(actual)).toEqual(iso(expected))
    }),
    { numRuns: 100 },
  )
})

test('a wall-clock time that spring-forward leaves out does not fire that day', () => {
  const fires = firesBetween('30 2 * * *', 'America/New_York', Date.UTC(2026, 2, 7), Date.UTC(2026, 2, 10))
  expect(iso(fires)).toEqual(['2026-03-07T07:30', '2026-03-09T06:30'])
})

test('a wall-clock time that fall-back repeats fires twice', () => {
  const fires = firesBetween('30 1 * * *', 'America/New_York', Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 3))
  expect(iso(fires)).toEqual(['2026-11-01T05:30', '2026-11-01T06:30', '2026-11-02T06:30'])
})

test('day of month and day of week match either when both are given, and names count as numbers', () => {
  const fires = firesBetween('0 9 13 nov-Dec Fri', 'UTC', Date.UTC(2026, 9, 1), Date.UTC(2026, 10, 15))
  expect(iso(fires)).toEqual(['2026-11-06T09:00', '2026-11-13T09:00'])
  const sundays = firesBetween('0 0 * * 7', 'UTC', Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 16))
  expect(iso(sundays)).toEqual(['2026-11-08T00:00', '2026-11-15T00:00'])
})

test('a leap day is found from anywhere', () => {
  expect(iso(firesBetween('0 0 29 2 *', 'UTC', Date.UTC(2096, 2, 1), Date.UTC(2104, 3, 1)))).toEqual([
    '2104-02-29T00:00',
  ])
})

test.each([
  ['* * * *', 'five fields'],
  ['0 * * * * *', 'five fields'],
  ['@daily', 'five fields'],
  ['60 * * * *', '`60` is no minute'],
  ['* 24 * * *', '`24` is no hour'],
  ['* * L * *', '`L` is no day of month'],
  ['* * ? * *', 'no day of month'],
  ['* * * * 5#2', 'no day of week'],
  ['* * * * 8', '`8` is no day of week'],
  ['* * 15W * *', 'no day of month'],
  ['5/15 * * * *', 'no minute'],
  ['*/0 * * * *', 'no step'],
  ['9-5 * * * *', 'runs backwards'],
  ['1,,2 * * * *', 'no minute'],
  ['0 0 31 2,4 *', 'never fires'],
])('`%s` is refused: %s', (expression, reason) => {
  expect(() => readCron(expression, 'UTC')).toThrow(reason)
})

test.each(['Mars/Olympus', '+01:00', ''])('`%s` is no timezone', (timezone) => {
  expect(() => readCron('* * * * *', timezone)).toThrow('no IANA timezone')
})
