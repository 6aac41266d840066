// Another reading of JSON than the gateway's own, from another library, with places: for holding one against the other.
import { type Node, type ParseError, parseTree } from 'jsonc-parser'

/** Null when it is not one strict JSON document in UTF-8. */
export function readSecond(bytes: Buffer): Node | null {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  return readTree(text)
}

/** The same with one character a byte, so that places are bytes. */
export function readPlaces(bytes: Buffer): Node {
  const tree = readTree(bytes.toString('latin1'))
  if (tree === null) throw new Error('what went up is no JSON')
  return tree
}

function readTree(text: string): Node | null {
  const errors: ParseError[] = []
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false })
  return errors.length > 0 || tree === undefined ? null : tree
}

/** The value of a top-level member; the last one of that name, of several. */
export function memberOf(tree: Node, name: string): Node | undefined {
  return tree.children?.findLast((property) => property.children?.[0]?.value === name)?.children?.[1]
}

/** True when no object within has a name twice, as this reader sees them. */
export function isUnambiguous(node: Node): boolean {
  if (node.type === 'object') {
    const names = (node.children ?? []).map((property) => String(property.children?.[0]?.value))
    if (new Set(names).size < names.length) return false
  }
  return (node.children ?? []).every(isUnambiguous)
}

/** A value in a form in which two readings can be compared: members sorted by name, numbers and texts apart. */
export function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shapeOf).join()}]`
  if (typeof value !== 'object' || value === null)
    return `${typeof value} ${Object.is(value, -0) ? '-0' : JSON.stringify(String(value))}`
  const members = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${shapeOf(inner)}`)
  return `{${members.sort().join()}}`
}

/** The same of what this reader read. */
export function shapeOfTree(node: Node): string {
  const inside = node.children ?? []
  if (node.type === 'array') return `[${inside.map(shapeOfTree).join()}]`
  if (node.type !== 'object') return shapeOf(node.value)
  const members = inside.map(({ children: [name, value] = [] }) =>
    value === undefined ? '' : `${JSON.stringify(name?.value)}:${shapeOfTree(value)}`,
  )
  return `{${members.sort().join()}}`
}

/** The bytes around these values, which are left out. */
export function bytesAround(bytes: Buffer, left: readonly (Node | undefined)[]): string {
  const spans = left.flatMap((node) => (node === undefined ? [] : [node])).sort((a, b) => a.offset - b.offset)
  let from = 0
  let kept = ''
  for (const { offset, length } of spans) {
    kept += `${bytes.toString('latin1', from, offset)}<>`
    from = offset + length
  }
  return kept + bytes.toString('latin1', from)
}
