// JSON that may be anything: what came over a wire or out of a file, where being no JSON is an answer and no accident.

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}
