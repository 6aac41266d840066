// Fields that no reader knows, as a newer API would add them.

const unknownField = { simulator_unknown_field: { since: '2027-01-01', values: [1, 'two', null] } } as const

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A copy with a field that nobody knows; a list's items get one each. What is no object stays as it is. */
export function addUnknownFields(value: unknown): unknown {
  if (!isObject(value)) return value
  const added = { ...value, ...unknownField }
  if (!('data' in value) || !Array.isArray(value.data)) return added
  return { ...added, data: value.data.map((item) => (isObject(item) ? { ...item, ...unknownField } : item)) }
}

/** The same for the text of a JSON answer; text that is no JSON stays as it is. */
export function addUnknownFieldsToText(text: string): string {
  try {
    return JSON.stringify(addUnknownFields(JSON.parse(text)))
  } catch {
    return text
  }
}
