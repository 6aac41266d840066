// One text for one JSON value (RFC 8785), so that equal contents have equal hashes whoever wrote them and in what order.

/**
 * The canonical JSON of a value that came from JSON. Throws a plain `Error` for what JSON cannot hold exactly: numbers
 * that are not finite, half a surrogate pair, and anything that is neither object, array, text, number, boolean nor null.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error('a number that is not finite has no JSON')
    // The RFC takes the number format of ECMAScript.
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object') throw new Error(`a ${typeof value} has no JSON`)
  // By UTF-16 code units, as the RFC asks and as sorting does by itself.
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
  return `{${members.map(([key, member]) => `${quoted(key)}:${canonicalJson(member)}`).join(',')}}`
}

function quoted(text: string): string {
  if (!text.isWellFormed()) throw new Error('half a surrogate pair has no JSON')
  return JSON.stringify(text)
}
