// Keys that one parser takes for a known name and another does not: `Agent`, `ａgent`, `event\u017F`.

/** A key of `object` that differs from one of `names` in case or compatibility form only, cut to 64 characters; or null. */
export function lookalikeOf(object: object, names: ReadonlySet<string>): string | null {
  const found = Object.keys(object).find(
    (key) => key.length <= nameMax && !names.has(key) && names.has(key.normalize('NFKC').toLowerCase()),
  )
  return found?.slice(0, 64) ?? null
}

// No name of the API is as long, and none of these forms is shorter than what it stands for; one character can become
// eighteen, so a key as long as a body would cost more memory than there is.
const nameMax = 64
