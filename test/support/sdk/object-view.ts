// Objects as the SDK declares them: their properties, each with its type and whether it may be missing.
import type { ClassNode, Room, TypeNode } from './declarations.ts'

/** A type and where it stands: the room its names are looked up in, and what its type parameters are bound to. */
export type Typed = {
  readonly node: TypeNode
  readonly room: Room
  readonly bound: ReadonlyMap<string, Typed>
}

export type Property = {
  readonly isOptional: boolean
  readonly type: Typed
  /** It is optional and its comment speaks of `null`: the SDK leaves null out of some such types. */
  readonly mayBeNull: boolean
}

export type ObjectView = {
  readonly kind: 'object'
  readonly name: string
  readonly properties: ReadonlyMap<string, Property>
  /** What properties that are not named may be; null when there may be none. */
  readonly rest: Typed | null
}

type Member = Extract<TypeNode, { type: 'TSTypeLiteral' }>['members'][number]
type Key = Extract<Member, { type: 'TSPropertySignature' }>['key']

/** As it is written in the SDK. */
export const textOf = ({ node, room }: Typed): string =>
  room.source.slice(node.start, node.end).replaceAll(/\s+/g, ' ')

/** The public properties that a class declares itself, without its parents'. */
export function viewOfClass(
  node: ClassNode,
  name: string,
  room: Room,
  bound: ReadonlyMap<string, Typed>,
): ObjectView {
  const properties = new Map<string, Property>()
  for (const member of node.body.body) {
    if (member.type !== 'PropertyDefinition' || member.static || member.key.type !== 'Identifier') continue
    if (member.accessibility === 'private' || member.accessibility === 'protected') continue
    if (!member.typeAnnotation) continue
    const type = { node: member.typeAnnotation.typeAnnotation, room, bound }
    properties.set(member.key.name, { isOptional: member.optional ?? false, type, mayBeNull: false })
  }
  return { kind: 'object', name, properties, rest: null }
}

/** An object of these members. Throws at one that is no property. */
export function objectOf(members: readonly Member[], name: string, place: Typed): ObjectView {
  const properties = new Map<string, Property>()
  let rest: Typed | null = null
  for (const [at, member] of members.entries()) {
    const annotation = 'typeAnnotation' in member ? member.typeAnnotation : null
    if (!annotation) throw new Error(`\`${name}\` has a ${member.type}`)
    const type = { ...place, node: annotation.typeAnnotation }
    if (member.type === 'TSIndexSignature') rest = type
    else if (member.type === 'TSPropertySignature') {
      const { optional: isOptional, start } = member
      // What lies between two members is the comment of the second.
      const comment = place.room.source.slice(members[at - 1]?.end ?? place.node.start, start)
      const mayBeNull = isOptional && comment.includes('`null`')
      properties.set(keyOf(member.key), { isOptional, type, mayBeNull })
    }
  }
  return { kind: 'object', name, properties, rest }
}

function keyOf(key: Key): string {
  if (key.type === 'Identifier') return key.name
  if (key.type === 'Literal' && typeof key.value === 'string') return key.value
  throw new Error(`a property is called by a ${key.type}`)
}
