// The tree is the one of RFC 6962: the vectors are those of the certificate-transparency reference tests.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  appendLeaf,
  type Frontier,
  frontierLength,
  hashLeaf,
  proveInclusion,
  rootOf,
  rootOfPath,
} from '../../src/audit/merkle.ts'

const inputs = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const leaves = inputs.map((hex) => hashLeaf(Buffer.from(hex, 'hex')))
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

const frontierOf = (hashes: readonly Buffer[]): Frontier =>
  hashes.reduce<Frontier>((frontier, leaf, size) => appendLeaf(frontier, size, leaf), [])

test('the roots are those of the reference implementation, from no leaf to eight', () => {
  expect(roots.map((_, size) => rootOf(frontierOf(leaves.slice(0, size))).toString('hex'))).toEqual(roots)
})

test('an inclusion path is that of the reference implementation', () => {
  const path = proveInclusion({ size: 8, from: 0, frontier: [], leaves }, 5)
  expect(path.map((hash) => hash.toString('hex'))).toEqual([
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ])
})

const tree = fc.integer({ min: 1, max: 70 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    index: fc.nat(size - 1),
    from: fc.nat(size - 1),
  }),
)

test('any leaf is proved from what lies before by its frontier alone, and only that leaf at that place', () => {
  fc.assert(
    fc.property(tree, ({ size, index, from: drawn }) => {
      const all = Array.from({ length: size }, (_, at) => hashLeaf(`leaf ${at}`))
      const from = Math.min(drawn, index)
      const frontier = frontierOf(all.slice(0, from))
      expect(frontier.length).toBe(frontierLength(from))
      const root = rootOf(frontierOf(all))
      const path = proveInclusion({ size, from, frontier, leaves: all.slice(from) }, index)
      const lead = (leaf: Buffer, at: number, steps: readonly Buffer[]) =>
        rootOfPath(leaf, at, size, steps)?.equals(root) ?? false
      const leaf = all[index] ?? hashLeaf('none')
      expect(lead(leaf, index, path)).toBe(true)
      expect(lead(hashLeaf('other'), index, path)).toBe(false)
      expect(lead(leaf, index, [...path, hashLeaf('more')])).toBe(false)
      if (path.length > 0) expect(lead(leaf, index, path.slice(1))).toBe(false)
      if (size > 1) expect(lead(leaf, (index + 1) % size, path)).toBe(false)
    }),
  )
})
