// Whether a value is what the SDK's types say, all the way down, and if not, where and why not.
import { type ObjectView, type Typed, textOf } from './object-view.ts'
import { type TypeView, viewOf } from './type-view.ts'

export type Misfit = {
  readonly text: string
  /** The value has a field that its type does not name; all that is named may fit. */
  readonly isUndeclared: boolean
}

const misfit = (text: string, isUndeclared = false): Misfit => ({ text, isUndeclared })

/** One entry for each place where `value` is not of the type; none when it is. Fields must be declared. */
export function misfitsOf(value: unknown, type: Typed, path: string): readonly Misfit[] {
  return misfitsOfView(value, viewOf(type), path, () => textOf(type))
}

/** The same for a type that is already seen; `text` says it in messages. */
export function misfitsOfView(
  value: unknown,
  view: TypeView,
  path: string,
  text: () => string,
): readonly Misfit[] {
  const unless = (fits: boolean) => (fits ? [] : [misfit(`${path}: ${shown(value)} is not ${text()}`)])
  switch (view.kind) {
    case 'any':
      return []
    case 'builtin':
      throw new Error(`${path}: \`${view.name}\` cannot be checked`)
    case 'plain':
      if (view.name === 'null') return unless(value === null)
      return unless(typeof value === view.name && !Number.isNaN(value))
    case 'literal':
      return unless(value === view.value)
    case 'array':
      if (!Array.isArray(value)) return unless(false)
      return value.flatMap((item, at) => misfitsOf(item, view.item, `${path}[${at}]`))
    case 'union':
      return misfitsOfUnion(value, flatten(view.options), path, text)
    case 'object':
      return isRecord(value) ? misfitsOfObject(value, view, path) : unless(false)
  }
}

function misfitsOfObject(
  value: Readonly<Record<string, unknown>>,
  { name, properties, rest }: ObjectView,
  path: string,
): readonly Misfit[] {
  const declared = [...properties].flatMap(([key, { isOptional, type, mayBeNull }]) => {
    if (mayBeNull && value[key] === null) return []
    if (value[key] !== undefined) return misfitsOf(value[key], type, `${path}.${key}`)
    return isOptional ? [] : [misfit(`${path}.${key}: is missing from ${name}`)]
  })
  const others = Object.keys(value).filter((key) => !properties.has(key) && value[key] !== undefined)
  return [
    ...declared,
    ...others.flatMap((key) =>
      rest === null
        ? [misfit(`${path}.${key}: ${name} does not declare it`, true)]
        : misfitsOf(value[key], rest, `${path}.${key}`),
    ),
  ]
}

type Option = { readonly view: TypeView; readonly type: Typed }

/** The options of a union, with unions among them taken apart. */
const flatten = (options: readonly Typed[]): readonly Option[] =>
  options.flatMap((type) => {
    const view = viewOf(type)
    return view.kind === 'union' ? flatten(view.options) : [{ view, type }]
  })

/** Says what is wrong with the option that was meant: the one whose literals (`type: '...'`) the value has. */
function misfitsOfUnion(
  value: unknown,
  options: readonly Option[],
  path: string,
  text: () => string,
): readonly Misfit[] {
  const meant = options.filter(({ view }) => isMeant(value, view))
  if (meant.length === 0) return [misfit(`${path}: ${shown(value)} is none of ${text()}`)]
  const found = meant.map(({ view, type }) => misfitsOfView(value, view, path, () => textOf(type)))
  return found.reduce((best, next) => (next.length < best.length ? next : best))
}

function isMeant(value: unknown, view: TypeView): boolean {
  if (view.kind === 'array') return Array.isArray(value)
  if (view.kind !== 'object') return misfitsOfView(value, view, '', () => '').length === 0
  if (!isRecord(value)) return false
  return [...view.properties].every(([key, { type, isOptional }]) => {
    const property = viewOf(type)
    if (property.kind !== 'literal') return true
    return value[key] === property.value || (isOptional && value[key] === undefined)
  })
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const shown = (value: unknown): string => {
  const text =
    isRecord(value) && typeof value['type'] === 'string'
      ? `{type: '${value['type']}', ...}`
      : JSON.stringify(value)
  return text === undefined || text.length <= 80 ? `${text}` : `${text.slice(0, 80)}...`
}
