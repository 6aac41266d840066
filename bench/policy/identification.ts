// Microseconds of finding out who calls: the step before every decision.
import { parseDirectory } from '../../src/identify/directory.ts'
import { createFirstDirectory } from '../../src/identify/directory-file.ts'
import { createIdentify } from '../../src/identify/identify.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { type PolicyFigure, timeUs } from './figures.ts'

/** A key that was seen before, as all but the first of a caller's requests bring. */
export async function measureIdentification(): Promise<readonly PolicyFigure[]> {
  const pepper = new Secret('bench')
  const first = createFirstDirectory({ pepper, nowMs: systemClock.nowMs() })
  const directory = parseDirectory(first.text, 'directory.yaml', new Set(['admin']))
  const identify = createIdentify({ directory: () => directory, pepper, clock: systemClock })
  const rawHeaders = ['host', 'x', 'authorization', `Bearer ${first.key.reveal()}`, 'accept', '*/*']
  const peer = { ip: '127.0.0.1', certificate: null }
  const value = timeUs(() => identify(rawHeaders, '', peer), 20_000)
  return [{ what: 'identify a known key', value, unit: 'us' }]
}
