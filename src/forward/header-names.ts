// Lower-casing header names costs more than it should at tens of thousands of requests a second; the names are few.

/**
 * A cached `name -> name.toLowerCase()` with a filter: `keep` says what a lower-cased name becomes, null to drop it.
 * The cache is bounded: a client that invents names pays for its own.
 */
export function createLowerCase(keep: (name: string) => string | null): (raw: string) => string | null {
  const cache = new Map<string, string | null>()
  return (raw) => {
    const known = cache.get(raw)
    if (known !== undefined) return known
    const name = keep(raw.toLowerCase())
    if (cache.size < 2_000 && raw.length <= 64) cache.set(raw, name)
    return name
  }
}
