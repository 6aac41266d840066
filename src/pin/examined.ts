// One request as the rules see it, and the same after a rule has changed its text.
import { applyEdits, findSpan } from './edits.ts'
import { isObject, type JsonObject } from './json-values.ts'
import type { Edit, Examined } from './rule.ts'

/** What stays the same whatever the rules make of the body. */
export type Around = Omit<Examined, 'parsed' | 'written'>

export type Draft = { readonly text: string; readonly examined: Examined }

/** A body and the reading of it; '' and an empty object where there is none. */
export function draft(around: Around, text: string, parsed: JsonObject): Draft {
  return {
    text,
    examined: {
      ...around,
      parsed,
      written: (path) => {
        const span = text === '' ? null : findSpan(text, path)
        return span === null ? null : text.slice(span.start, span.end)
      },
    },
  }
}

/** The draft with these edits made. Throws when they make something else than a JSON object of it. */
export function edited(around: Around, before: Draft, edits: readonly Edit[]): Draft {
  const text = applyEdits(before.text, edits)
  const parsed: unknown = JSON.parse(text)
  if (!isObject(parsed)) throw new Error('an edit made a body that is no object')
  return draft(around, text, parsed)
}
