// Ids are random; what counts is which of them are the same. An id becomes its prefix and its number of appearance.
import { z } from 'zod'

const id = /\b(?!req_)([a-z]+)_011C[1-9A-Za-z]{20}\b/g
const requestId = /\breq_011C[1-9A-Za-z]{20}\b/g

/** A function that masks the ids in texts; it remembers those it has met. Ids of requests are told apart by nobody. */
export function maskSerial(): (text: string) => string {
  const names = new Map<string, string>()
  return (text) =>
    text.replaceAll(requestId, '<req>').replaceAll(id, (found, prefix: string) => {
      const known = names.get(found) ?? `<${prefix} ${names.size + 1}>`
      names.set(found, known)
      return known
    })
}

/** What a client was given, as plain JSON with masked ids, so that two runs can be compared. */
export function masked(value: unknown): unknown {
  // undefined inside objects is what the client leaves out: it is not there in JSON either.
  return z.unknown().parse(JSON.parse(maskSerial()(JSON.stringify(value ?? null))))
}
