// A declared type, seen one level deep: what kind of value it is and of which further types. Covers the part of
// TypeScript that the SDK's answers use, and throws at anything else, so that nothing passes for not being understood.
import { type Found, findIn, type InterfaceNode, lookUp, type Room, type TypeNode } from './declarations.ts'
import { type ObjectView, objectOf, type Property, type Typed, textOf, viewOfClass } from './object-view.ts'

export type TypeView =
  | { readonly kind: 'any' }
  | { readonly kind: 'plain'; readonly name: 'string' | 'number' | 'boolean' | 'null' | 'undefined' }
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'array'; readonly item: Typed }
  | { readonly kind: 'union'; readonly options: readonly Typed[] }
  | ObjectView
  /** A name that the SDK does not declare, such as `Response`. */
  | { readonly kind: 'builtin'; readonly name: string }

type Reference = Extract<TypeNode, { type: 'TSTypeReference' }>
type Name = Reference['typeName']
type Parameters = InterfaceNode['typeParameters']
const nothingBound: ReadonlyMap<string, Typed> = new Map()

/** A name of `room` as a type. Throws when the room does not have it. */
export function typeNamed(room: Room, name: string): TypeView {
  const found = findIn(room, name)
  if (found === undefined) throw new Error(`${room.file} declares no \`${name}\``)
  return viewOfFound(found, name, [])
}

/** What values of a type are, with aliases followed. */
export function viewOf(typed: Typed): TypeView {
  const { node, room, bound } = typed
  const there = (inner: TypeNode): Typed => ({ node: inner, room, bound })
  switch (node.type) {
    case 'TSStringKeyword':
      return { kind: 'plain', name: 'string' }
    case 'TSNumberKeyword':
      return { kind: 'plain', name: 'number' }
    case 'TSBooleanKeyword':
      return { kind: 'plain', name: 'boolean' }
    case 'TSNullKeyword':
      return { kind: 'plain', name: 'null' }
    case 'TSUndefinedKeyword':
    case 'TSVoidKeyword':
      return { kind: 'plain', name: 'undefined' }
    case 'TSUnknownKeyword':
      return { kind: 'any' }
    case 'TSLiteralType':
      if (node.literal.type !== 'Literal') break
      return { kind: 'literal', value: node.literal.value }
    case 'TSUnionType':
      return { kind: 'union', options: node.types.map(there) }
    case 'TSArrayType':
      return { kind: 'array', item: there(node.elementType) }
    case 'TSParenthesizedType':
      return viewOf(there(node.typeAnnotation))
    case 'TSTypeLiteral':
      return objectOf(node.members, textOf(typed), typed)
    case 'TSIntersectionType':
      return viewOfIntersection(node.types.map(there), textOf(typed))
    case 'TSTypeReference':
      return viewOfReference(node, typed)
  }
  throw new Error(`\`${textOf(typed)}\` (${node.type}) is more than this reader understands`)
}

function viewOfReference({ typeName, typeArguments }: Reference, { room, bound }: Typed): TypeView {
  const parameters = (typeArguments?.params ?? []).map((node): Typed => ({ node, room, bound }))
  const path = pathOf(typeName)
  const [first = '', ...rest] = path
  const given = rest.length === 0 ? bound.get(first) : undefined
  if (given !== undefined) return viewOf(given)
  const found = findPath(room, path)
  if (found !== undefined) return viewOfFound(found, path.join('.'), parameters)
  return viewOfBuiltin(path.join('.'), parameters)
}

/** What a reference's name means; nothing for built-in names and for what is no reference. */
export function resolve({ node, room }: Typed): Found | undefined {
  return node.type === 'TSTypeReference' ? findPath(room, pathOf(node.typeName)) : undefined
}

function viewOfBuiltin(name: string, parameters: readonly Typed[]): TypeView {
  const [first, second] = parameters
  if (name === 'Array' && first !== undefined) return { kind: 'array', item: first }
  if (name === 'Record' && first !== undefined && second !== undefined) {
    if (first.node.type !== 'TSStringKeyword') throw new Error('a record of other keys than strings')
    return { kind: 'object', name, properties: new Map(), rest: second }
  }
  if (name === 'Omit' && first !== undefined && second !== undefined) {
    const view = viewOf(first)
    if (view.kind !== 'object') throw new Error(`\`${textOf(first)}\` has no properties to omit`)
    const left = new Set(literalsOf(second))
    return { ...view, properties: new Map([...view.properties].filter(([key]) => !left.has(key))) }
  }
  return { kind: 'builtin', name }
}

/** The strings of a union of string literals. */
function literalsOf(typed: Typed): readonly unknown[] {
  const view = viewOf(typed)
  if (view.kind === 'union') return view.options.flatMap(literalsOf)
  if (view.kind === 'literal') return [view.value]
  throw new Error(`\`${textOf(typed)}\` is not a union of literals`)
}

/** What `property` may be in the objects of a union, where it is a literal: the `type`s of all events. */
export function discriminatorsOf(typed: Typed, property: string): readonly string[] {
  const view = viewOf(typed)
  if (view.kind === 'union') return view.options.flatMap((option) => discriminatorsOf(option, property))
  const type = view.kind === 'object' ? view.properties.get(property)?.type : undefined
  return type === undefined ? [] : literalsOf(type).map(String)
}

function viewOfFound({ declaration, room }: Found, name: string, given: readonly Typed[]): TypeView {
  if (declaration === undefined) throw new Error(`\`${name}\` is a namespace, not a type`)
  const bound = bind(declaration.typeParameters ?? null, given, room)
  switch (declaration.type) {
    case 'TSTypeAliasDeclaration':
      return viewOf({ node: declaration.typeAnnotation, room, bound })
    case 'TSInterfaceDeclaration':
      return viewOfInterface(declaration, room, bound)
    default:
      return viewOfClass(declaration, name, room, bound)
  }
}

/** Type parameters with what they are given, or their default. */
function bind(parameters: Parameters, given: readonly Typed[], room: Room): ReadonlyMap<string, Typed> {
  if (parameters === null) return nothingBound
  const bound = new Map<string, Typed>()
  for (const [at, { name, default: fallback }] of parameters.params.entries()) {
    const value = given[at] ?? (fallback === null ? undefined : { node: fallback, room, bound })
    if (value !== undefined) bound.set(name.name, value)
  }
  return bound
}

function viewOfInterface(node: InterfaceNode, room: Room, bound: ReadonlyMap<string, Typed>): ObjectView {
  const at = { node: { ...node, type: 'TSThisType' as const }, room, bound }
  const own = objectOf(node.body.body, node.id.name, at)
  const parents = node.extends.map((heritage): ObjectView => {
    const { expression: typeName } = heritage
    if (typeName.type !== 'Identifier') throw new Error(`${node.id.name} extends more than a name`)
    const parent = viewOf({ node: { ...heritage, type: 'TSTypeReference', typeName }, room, bound })
    if (parent.kind !== 'object') throw new Error(`${node.id.name} extends what is no object`)
    return parent
  })
  const properties = new Map([...parents, own].flatMap((view) => [...view.properties]))
  return { ...own, properties, rest: own.rest ?? parents.find(({ rest }) => rest !== null)?.rest ?? null }
}

function viewOfIntersection(parts: readonly Typed[], name: string): TypeView {
  const views = parts.map(viewOf)
  const said = views.filter(
    (view) => view.kind !== 'object' || view.properties.size > 0 || view.rest !== null,
  )
  const [only] = said
  if (said.length === 1 && only !== undefined) return only
  const properties = new Map<string, Property>()
  let rest: Typed | null = null
  for (const view of said) {
    if (view.kind !== 'object') throw new Error(`\`${name}\` is an intersection of more than objects`)
    for (const [key, property] of view.properties) {
      if (properties.has(key)) throw new Error(`\`${name}\` says twice what \`${key}\` is`)
      properties.set(key, property)
    }
    rest ??= view.rest
  }
  return { kind: 'object', name, properties, rest }
}

function pathOf(name: Name): readonly string[] {
  if (name.type === 'Identifier') return [name.name]
  if (name.type === 'TSQualifiedName') return [...pathOf(name.left), name.right.name]
  throw new Error('a type is named by `this`')
}

function findPath(room: Room, [first = '', ...rest]: readonly string[]): Found | undefined {
  return rest.reduce<Found | undefined>(
    (found, name) => (found?.namespace === undefined ? undefined : findIn(found.namespace, name)),
    lookUp(room, first),
  )
}
