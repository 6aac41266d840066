// What the SDK's own declarations say of an object, checked at runtime: fields that must be there, and plain types.
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'

const root = new URL('../../node_modules/@anthropic-ai/sdk/resources/beta/', import.meta.url)

const plain: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
}

/** Whether a value can be of a declared type. Names of other interfaces are taken for any object. */
function fits(value: unknown, type: string): boolean {
  return type.split(' | ').some((option) => {
    if (option.startsWith("'")) return value === option.slice(1, -1)
    if (option.startsWith('Array<')) return Array.isArray(value)
    return plain[option]?.(value) ?? (typeof value === 'object' || typeof value === 'string')
  })
}

/** Fails unless `object` has what interface `name` of `resources/beta/<file>.d.ts` declares, and nothing else. */
export function expectInterface(object: unknown, file: string, name: string): void {
  const source = readFileSync(new URL(`${file}.d.ts`, root), 'utf8')
  const [, body = ''] =
    new RegExp(`export interface ${name} (?:extends \\w+ )?{([^]*?)\\n}`).exec(source) ?? []
  const fields = [...body.matchAll(/^ {4}(\w+)(\??): ([^;\n]+)/gm)]
  expect(fields.length, name).toBeGreaterThan(0)
  const actual: Readonly<Record<string, unknown>> = { ...Object(object) }
  const declared = fields.map(([, field = '']) => field)
  const optional = fields.filter(([, , mark]) => mark === '?').map(([, field]) => field)
  expect(declared, name).toEqual(expect.arrayContaining(Object.keys(actual)))
  expect([...Object.keys(actual), ...optional], name).toEqual(expect.arrayContaining(declared))
  for (const [, field = '', mark, type = ''] of fields) {
    const isUnset = mark === '?' && (actual[field] === undefined || actual[field] === null)
    if (!isUnset) expect(fits(actual[field], type.trim()), `${name}.${field}: ${type}`).toBe(true)
  }
}
