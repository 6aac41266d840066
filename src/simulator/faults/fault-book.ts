// The faults that wait for their requests, and how often each has met one.

import type { IncomingMessage } from 'node:http'
import { type Fault, type FaultBooking, parseFaultHeader } from './fault.ts'

/** A booked fault as the inspection list shows it. */
export type BookedFault = FaultBooking & {
  readonly id: string
  /** How many requests it has met. */
  readonly fired: number
  /** How many it still waits for; null for no end, 0 for a spent one. */
  readonly remaining: number | null
}

export type FaultBook = {
  /** Books faults behind those that are there. */
  readonly add: (bookings: readonly FaultBooking[]) => readonly BookedFault[]
  /**
   * The fault of a request, null for none: all booked ones that match, the later over the earlier, and the
   * request's own header over them. Counts. Throws a 400 for a header that cannot be read.
   */
  readonly take: (request: IncomingMessage) => Fault | null
  readonly list: () => readonly BookedFault[]
  /** Takes one away, or all; answers how many there were. */
  readonly clear: (id?: string) => number
}

type Line = {
  readonly id: string
  readonly booking: FaultBooking
  readonly fault: Fault
  readonly pattern: RegExp
  seen: number
  fired: number
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

function patternOf(path: string): RegExp {
  const [, stem = path, rest] = /^(.*?)(\/\*\*)?$/.exec(path) ?? []
  const segments = stem.split('/').map((segment) => (segment === '*' ? '[^/]+' : escaped(segment)))
  return new RegExp(`^${segments.join('/')}${rest === undefined ? '' : '(/.*)?'}$`)
}

const isSpent = ({ booking: { times }, fired }: Line): boolean => times !== null && fired >= times

function shown({ id, booking, fired }: Line): BookedFault {
  return { id, ...booking, fired, remaining: booking.times === null ? null : booking.times - fired }
}

/** An empty book. */
export function createFaultBook(): FaultBook {
  let lines: readonly Line[] = []
  let nextNumber = 1

  const meets = (line: Line, method: string, path: string): boolean => {
    if (isSpent(line) || (line.booking.method ?? method) !== method || !line.pattern.test(path)) return false
    line.seen += 1
    if (line.seen <= line.booking.skip) return false
    line.fired += 1
    return true
  }

  return {
    add: (bookings) => {
      const added = bookings.map((booking) => {
        const { method: _method, path = '/**', skip: _skip, times: _times, ...fault } = booking
        return { id: `fault_${nextNumber++}`, booking, fault, pattern: patternOf(path), seen: 0, fired: 0 }
      })
      lines = [...lines, ...added]
      return added.map(shown)
    },
    take: (request) => {
      const path = (request.url ?? '/').split('?')[0] ?? '/'
      if (path.startsWith('/simulator/')) return null
      const header = request.headers['x-simulator-fault']
      const own = header === undefined ? [] : [parseFaultHeader(String(header))]
      const booked = lines.filter((line) => meets(line, request.method ?? '', path)).map(({ fault }) => fault)
      const faults = [...booked, ...own]
      if (faults.length === 0) return null
      const merged: Fault = {}
      for (const each of faults) Object.assign(merged, each)
      return merged
    },
    list: () => lines.map(shown),
    clear: (id) => {
      const kept = id === undefined ? [] : lines.filter((line) => line.id !== id)
      const gone = lines.length - kept.length
      lines = kept
      return gone
    },
  }
}
