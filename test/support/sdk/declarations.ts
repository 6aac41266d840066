// The SDK's own `.d.ts` files, read by a real parser: which name means which declaration, across imports, exports
// and namespaces. The installed SDK is the authority; nothing is copied from it.
import { readFileSync } from 'node:fs'
import { parseAst } from 'vitest/node'

type Statement = ReturnType<typeof parseAst>['body'][number]
type ExportNode = Extract<Statement, { type: 'ExportNamedDeclaration' }>
type ImportNode = Extract<Statement, { type: 'ImportDeclaration' }>
type NamespaceNode = Extract<Statement, { type: 'TSModuleDeclaration' }>
type NameNode = ExportNode['specifiers'][number]['local']

export type InterfaceNode = Extract<Statement, { type: 'TSInterfaceDeclaration' }>
export type AliasNode = Extract<Statement, { type: 'TSTypeAliasDeclaration' }>
export type ClassNode = Extract<Statement, { body: { type: 'ClassBody' } }>
export type DeclarationNode = InterfaceNode | AliasNode | ClassNode
export type TypeNode = AliasNode['typeAnnotation']

/** A name that stands for another: in a file, or (`file` null) in the same place or the one around it. */
type Link = { readonly file: string | null; readonly name: string | '*' }

/** A file or a namespace in it. */
export type Room = {
  readonly file: string
  readonly source: string
  readonly parent: Room | null
  readonly declarations: Map<string, DeclarationNode>
  readonly namespaces: Map<string, Room>
  readonly links: Map<string, Link>
  /** Files of `export * from`. */
  readonly stars: string[]
}

/** What a name means: a declaration, a namespace, or both. */
export type Found = { readonly declaration?: DeclarationNode; readonly namespace?: Room; readonly room: Room }

const sdkRoot = new URL('../../../node_modules/@anthropic-ai/sdk/', import.meta.url)

/** A file by its path under the SDK's folder, with or without `.d.ts`. Throws when there is none. */
export function openDeclarations(path: string): Room {
  return load(new URL(`${path.replace(/\.d\.ts$/, '')}.d.ts`, sdkRoot).href)
}

const loaded = new Map<string, Room>()

function load(file: string): Room {
  const known = loaded.get(file)
  if (known !== undefined) return known
  const room = readRoom(file, readFileSync(new URL(file), 'utf8'))
  loaded.set(file, room)
  return room
}

/** Reads one file's text; `file` is a URL that its imports are relative to. */
export function readRoom(file: string, source: string): Room {
  const room = emptyRoom(file, source, null)
  for (const statement of parseAst(source, { lang: 'dts' }).body) readStatement(room, statement)
  return room
}

const emptyRoom = (file: string, source: string, parent: Room | null): Room => ({
  file,
  source,
  parent,
  declarations: new Map(),
  namespaces: new Map(),
  links: new Map(),
  stars: [],
})

function readStatement(room: Room, statement: Statement): void {
  if (statement.type === 'ImportDeclaration') readImport(room, statement)
  if (statement.type === 'TSModuleDeclaration') readNamespace(room, statement)
  if (statement.type === 'TSInterfaceDeclaration' || statement.type === 'TSTypeAliasDeclaration') {
    declare(room, statement.id.name, statement)
  }
  if (statement.type === 'ClassDeclaration') declare(room, statement.id?.name ?? '', statement)
  if (statement.type === 'ExportAllDeclaration') {
    const file = beside(room, statement.source.value)
    if (statement.exported === null) room.stars.push(file)
    else room.links.set(nameOf(statement.exported), { file, name: '*' })
  }
  if (statement.type === 'ExportNamedDeclaration') {
    if (statement.declaration === null) readExport(room, statement)
    else readStatement(room, statement.declaration)
  }
}

function declare(room: Room, name: string, node: DeclarationNode): void {
  if (room.declarations.has(name)) throw new Error(`\`${name}\` is declared twice in ${room.file}`)
  room.declarations.set(name, node)
}

function readImport(room: Room, { source, specifiers }: ImportNode): void {
  const file = beside(room, source.value)
  for (const specifier of specifiers) {
    const { name } = specifier.local
    if (specifier.type === 'ImportNamespaceSpecifier') room.links.set(name, { file, name: '*' })
    if (specifier.type === 'ImportSpecifier') {
      room.links.set(name, { file, name: nameOf(specifier.imported) })
    }
  }
}

function readExport(room: Room, { source, specifiers }: ExportNode): void {
  const file = source === null ? null : beside(room, source.value)
  for (const { local, exported } of specifiers) {
    const [name, as] = [nameOf(local), nameOf(exported)]
    if (file !== null || name !== as || room.parent !== null) room.links.set(as, { file, name })
  }
}

function readNamespace(room: Room, { id, body }: NamespaceNode): void {
  if (id.type !== 'Identifier' || body === null || body.type !== 'TSModuleBlock') {
    throw new Error(`a namespace of ${room.file} cannot be read`)
  }
  const inner = emptyRoom(room.file, room.source, room)
  for (const statement of body.body) readStatement(inner, statement)
  room.namespaces.set(id.name, inner)
}

const nameOf = (node: NameNode): string => (node.type === 'Literal' ? node.value : node.name)

/** The declaration file of a relative import; packages keep their bare name and cannot be opened. */
const beside = (room: Room, specifier: string): string =>
  specifier.startsWith('.') ? new URL(specifier.replace(/\.m?js$/, '.d.ts'), room.file).href : specifier

/** What `room` declares or exports under `name`, itself. */
export function findIn(room: Room, name: string): Found | undefined {
  const declaration = room.declarations.get(name)
  const namespace = room.namespaces.get(name)
  if (declaration !== undefined || namespace !== undefined) {
    return {
      room,
      ...(declaration === undefined ? {} : { declaration }),
      ...(namespace === undefined ? {} : { namespace }),
    }
  }
  const link = room.links.get(name)
  if (link !== undefined) return follow(room, link)
  for (const star of room.stars) {
    const found = findIn(load(star), name)
    if (found !== undefined) return found
  }
  return undefined
}

function follow(room: Room, { file, name }: Link): Found | undefined {
  if (file === null) return lookUp(room.parent ?? room, name)
  const target = load(file)
  return name === '*' ? { room: target, namespace: target } : findIn(target, name)
}

/** What `name` means inside `room`: its own, else what is around it. */
export function lookUp(room: Room, name: string): Found | undefined {
  return findIn(room, name) ?? (room.parent === null ? undefined : lookUp(room.parent, name))
}
