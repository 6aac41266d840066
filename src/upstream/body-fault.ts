// Says where a refused body went wrong. Only runs after the refusal is certain, so it may be slow.
import { type JSONVisitor, printParseErrorCode, visit } from 'jsonc-parser'

const notFound = 'at an unknown place'

/** Place and kind of the first syntax error, e.g. `value expected at line 3, column 7`. Quotes no content. */
export function firstSyntaxError(text: string): string {
  return firstOf(text, (found) => ({
    onError: (code, _offset, _length, line, column) => {
      const kind = printParseErrorCode(code)
        .replace(/([a-z])([A-Z])/g, '$1 $2')
        .toLowerCase()
      found(`${kind} ${place(line, column)}`)
    },
  }))
}

/** The first key written twice in one object, with its place, e.g. `` `agent` at line 1, column 20 ``. */
export function firstDuplicateKey(text: string): string {
  const open: Set<string>[] = []
  return firstOf(text, (found) => ({
    onObjectBegin: () => {
      open.push(new Set())
    },
    onObjectEnd: () => {
      open.pop()
    },
    onObjectProperty: (key, _offset, _length, line, column) => {
      const seen = open.at(-1)
      if (seen?.has(key)) found(`\`${key.slice(0, 64)}\` ${place(line, column)}`)
      seen?.add(key)
    },
  }))
}

const place = (line: number, column: number): string => `at line ${line + 1}, column ${column + 1}`

/** Visits until something is found: the visitor has no other way to stop than to throw. */
function firstOf(text: string, visitor: (found: (what: string) => never) => JSONVisitor): string {
  const found = (what: string): never => {
    throw new Found(what)
  }
  try {
    visit(text, visitor(found), { disallowComments: true, allowTrailingComma: false })
    return notFound
  } catch (error) {
    if (error instanceof Found) return error.message
    throw error
  }
}

/** Carries the finding out of the visit. */
class Found extends Error {}
