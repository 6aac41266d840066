// What a method of the SDK's client answers, as its class declares it.
import { type ClassNode, findIn, openDeclarations } from './declarations.ts'
import type { ObjectView, Typed } from './object-view.ts'
import { resolve, type TypeView, viewOf } from './type-view.ts'

export type Answer =
  | { readonly kind: 'value'; readonly type: Typed }
  /** A stream of events, or of lines. */
  | { readonly kind: 'stream'; readonly item: Typed }
  | { readonly kind: 'page'; readonly page: ObjectView }
  /** An untouched `Response`. */
  | { readonly kind: 'binary' }
  /** An object that goes on working in the client: a runner, a worker, an accumulating stream. */
  | { readonly kind: 'helper'; readonly name: string }

type Owner = { readonly node: ClassNode; readonly at: Omit<Typed, 'node'> }

/** The answers of `beta.sessions.events`'s `stream`, one for each overload. Throws when it is not declared. */
export function answersOf(path: readonly string[], method: string): readonly Answer[] {
  const { node, at } = path.reduce(stepInto, clientClass())
  const types = node.body.body.flatMap((member): readonly Typed[] => {
    if (member.type !== 'MethodDefinition' || member.key.type !== 'Identifier') return []
    if (member.key.name !== method || !member.value.returnType) return []
    return [{ node: member.value.returnType.typeAnnotation, ...at }]
  })
  if (types.length === 0) throw new Error(`${path.join('.')} declares no method \`${method}\``)
  return types.flatMap(answerOf)
}

function clientClass(): Owner {
  const found = findIn(openDeclarations('client'), 'Anthropic')
  if (found?.declaration === undefined || !('body' in found.declaration)) throw new Error('no client')
  return ownerOf(found.declaration, { room: found.room, bound: new Map() })
}

function ownerOf(node: object, at: Omit<Typed, 'node'>): Owner {
  if (!isClass(node)) throw new Error('a resource is not a class')
  return { node, at }
}

const isClass = (node: object): node is ClassNode => 'type' in node && node.type === 'ClassDeclaration'

/** The class of a resource's property. */
function stepInto({ node, at }: Owner, name: string): Owner {
  for (const member of node.body.body) {
    if (member.type !== 'PropertyDefinition' || member.key.type !== 'Identifier') continue
    if (member.key.name !== name || !member.typeAnnotation) continue
    const found = resolve({ node: member.typeAnnotation.typeAnnotation, ...at })
    if (found?.declaration !== undefined) {
      return ownerOf(found.declaration, { room: found.room, bound: new Map() })
    }
  }
  throw new Error(`no resource \`${name}\``)
}

/** The answers a return type stands for, with the promise around it taken off. */
function answerOf(type: Typed): readonly Answer[] {
  const { node, room, bound } = type
  if (node.type === 'TSUnionType') {
    const answers = node.types.flatMap((option) => answerOf({ node: option, room, bound }))
    return answers.every(({ kind }) => kind === 'value') ? [{ kind: 'value', type }] : answers
  }
  if (node.type !== 'TSTypeReference' || node.typeName.type !== 'Identifier') return [{ kind: 'value', type }]
  const [first] = (node.typeArguments?.params ?? []).map((each): Typed => ({ node: each, room, bound }))
  switch (node.typeName.name) {
    case 'APIPromise':
    case 'Promise':
      return first === undefined ? [] : answerOf(first)
    case 'PagePromise':
      return first === undefined ? [] : [pageOf(viewOf(first))]
    case 'Stream':
    case 'JSONLDecoder':
      return first === undefined ? [] : [{ kind: 'stream', item: first }]
    case 'Response':
      return [{ kind: 'binary' }]
  }
  const isMade = resolve(type)?.declaration?.type === 'ClassDeclaration'
  const { name } = node.typeName
  return [isMade || node.typeArguments !== null ? { kind: 'helper', name } : { kind: 'value', type }]
}

function pageOf(page: TypeView): Answer {
  if (page.kind !== 'object') throw new Error('a page is not an object')
  return { kind: 'page', page }
}
