// The Merkle tree of RFC 6962, section 2.1, over SHA-256. Appending keeps the frontier alone: the roots of the perfect
// subtrees that the size is made of, largest first, at most one for each bit of the size.
import { hash } from 'node:crypto'

/** Roots of the perfect subtrees that a tree of some size is made of, largest first. */
export type Frontier = readonly Buffer[]

const leafMark = Buffer.of(0)
const nodeMark = Buffer.of(1)

/** `SHA-256(0x00 || data)`. */
export const hashLeaf = (data: string | Buffer): Buffer =>
  // A text is not copied into bytes first: this is done for every entry.
  sha256(typeof data === 'string' ? `\0${data}` : Buffer.concat([leafMark, data]))

/** `SHA-256(0x01 || left || right)`. */
export const hashNode = (left: Buffer, right: Buffer): Buffer =>
  sha256(Buffer.concat([nodeMark, left, right], 65))

/** By way of a text, for then the bytes come out of a pool: a buffer of its own for each hash costs more than the hash. */
const sha256 = (data: string | Buffer): Buffer => Buffer.from(hash('sha256', data, 'binary'), 'latin1')

/** The frontier of a tree of `size` leaves with one more; sizes up to 2^53. */
export function appendLeaf(frontier: Frontier, size: number, leaf: Buffer): Frontier {
  const next = frontier.slice()
  let node = leaf
  // Each low bit that is set is a perfect subtree of the size that the new node has by now.
  for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
    const left = next.pop()
    if (left === undefined) throw new Error(`a frontier of ${frontier.length} is not that of ${size} leaves`)
    node = hashNode(left, node)
  }
  next.push(node)
  return next
}

/** The tree's root; that of no leaves is the hash of nothing. */
export function rootOf(frontier: Frontier): Buffer {
  const smallest = frontier.at(-1)
  if (smallest === undefined) return sha256('')
  return frontier.slice(0, -1).reduceRight((right, left) => hashNode(left, right), smallest)
}

/** How many subtrees a tree of this size is made of: the bits that are set. */
export function frontierLength(size: number): number {
  let bits = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2
  return bits
}

/** A tree of `size` leaves of which the first `from` are known by their frontier, the others one by one. */
export type KnownTree = {
  readonly size: number
  readonly from: number
  readonly frontier: Frontier
  /** Leaf hashes `from`, `from + 1`, …, `size - 1`. */
  readonly leaves: readonly Buffer[]
}

/**
 * The hashes that lead from a leaf to the root (RFC 6962, 2.1.1), nearest first.
 * Throws when the leaf is not one of those known one by one.
 */
export function proveInclusion(tree: KnownTree, index: number): readonly Buffer[] {
  if (index < tree.from || index >= tree.size) {
    throw new Error(`leaf ${index} is not between ${tree.from} and ${tree.size}`)
  }
  const known = knownSubtrees(tree)
  const path: Buffer[] = []
  let [begin, end] = [0, tree.size]
  while (end - begin > 1) {
    const middle = begin + splitAt(end - begin)
    if (index < middle) {
      path.unshift(rootBetween(known, middle, end))
      end = middle
    } else {
      path.unshift(rootBetween(known, begin, middle))
      begin = middle
    }
  }
  return path
}

/** The root that a leaf and its path lead to; null when the path has not the length of such a tree. */
export function rootOfPath(
  leaf: Buffer,
  index: number,
  size: number,
  path: readonly Buffer[],
): Buffer | null {
  if (index >= size) return null
  let node = leaf
  let [at, last] = [index, size - 1]
  for (const sibling of path) {
    if (last === 0) return null
    if (at % 2 === 1 || at === last) {
      node = hashNode(sibling, node)
      // A right edge has no sibling on the levels where it is a left child.
      while (at % 2 === 0 && at > 0) [at, last] = [at / 2, Math.floor(last / 2)]
    } else node = hashNode(node, sibling)
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 ? node : null
}

type Subtree = (begin: number, end: number) => Buffer | undefined

function knownSubtrees({ from, frontier, leaves }: KnownTree): Subtree {
  const roots = new Map<string, Buffer>()
  let begin = 0
  for (const root of frontier) {
    const end = begin + 2 ** Math.floor(Math.log2(from - begin))
    roots.set(`${begin}-${end}`, root)
    begin = end
  }
  return (first, end) =>
    end - first === 1 && first >= from ? leaves[first - from] : roots.get(`${first}-${end}`)
}

function rootBetween(known: Subtree, begin: number, end: number): Buffer {
  const root = known(begin, end)
  if (root !== undefined) return root
  if (end - begin < 2) throw new Error(`the hash of leaf ${begin} is missing`)
  const middle = begin + splitAt(end - begin)
  return hashNode(rootBetween(known, begin, middle), rootBetween(known, middle, end))
}

/** The largest power of two below the size. */
const splitAt = (size: number): number => 2 ** Math.ceil(Math.log2(size) - 1)
