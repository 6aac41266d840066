// Which methods does the table know at a path? Only asked when routing found nothing, so that a caller with the wrong
// method hears the right ones.
import type { Operation } from '../upstream/operation-type.ts'

/** Takes a canonical path; an empty answer means that it is not in the table. A parameter matches one segment. */
export function createMethodLookup(operations: readonly Operation[]): (path: string) => readonly string[] {
  const patterns = operations.map(({ method, pattern }) => ({ method, parts: pattern.split('/') }))
  return (path) => {
    const segments = path.split('/')
    const known = patterns.filter(
      ({ parts }) =>
        parts.length === segments.length &&
        parts.every((part, index) => part.startsWith(':') || part === segments[index]),
    )
    return [...new Set(known.map(({ method }) => method))]
  }
}
