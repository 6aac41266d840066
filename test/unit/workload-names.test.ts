// What a client certificate names is read strictly: one SPIFFE id, or nobody.
import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readExtensions } from '../../src/identify/certificates/der.ts'
import { parseSpiffeId } from '../../src/identify/certificates/spiffe-id.ts'
import { readWorkloadName } from '../../src/identify/certificates/workload-names.ts'
import { createAuthority, type Wanted } from '../support/authority.ts'

const authority = createAuthority('mesh')
const read = (wanted: Wanted) => readWorkloadName(new X509Certificate(authority.issue(wanted).certPem))
const uri = 'spiffe://prod.acme.example/ns/payments/sa/runner'

test('a certificate with one SPIFFE id, alone or beside names of hosts, names that workload', () => {
  const named = { trustDomain: 'prod.acme.example', path: '/ns/payments/sa/runner' }
  expect(read({ uris: [uri] })).toEqual(named)
  expect(read({ uris: [uri], dns: ['runner.local'], ips: ['10.0.0.1'] })).toEqual(named)
})

test.each<[string, Wanted, string]>([
  ['no names', {}, 'no URI name'],
  ['a SPIFFE id as the name of a host', { dns: [uri] }, 'no URI name'],
  ['the same id twice', { uris: [uri, uri] }, 'more than one URI'],
  ['another URI beside it', { uris: [uri, 'https://acme.example'] }, 'more than one URI'],
  ['two extensions of names', { uris: [uri], urisAgain: [uri] }, 'cannot be read'],
  ['an end of text inside', { uris: [`${uri}\0.evil`] }, 'no SPIFFE id'],
  ['a second name inside the first', { uris: [`${uri}, URI:${uri}`] }, 'no SPIFFE id'],
  ['an authority', { uris: [uri], isCa: true }, 'authority'],
  ['a key that signs certificates', { uris: [uri], usage: 'sc' }, 'may sign'],
  ['a key that signs revocations', { uris: [uri], usage: 'sr' }, 'may sign'],
  ['no key usage', { uris: [uri], usage: '' }, 'digitalSignature'],
])('a certificate with %s names nobody', (_name, wanted, reason) => {
  expect(read(wanted)).toContain(reason)
})

test.each([
  'spiffe://prod.acme.example',
  'spiffe://prod.acme.example/',
  'spiffe://prod.acme.example/a/',
  'spiffe://prod.acme.example//a',
  'spiffe://prod.acme.example/a/../b',
  'spiffe://prod.acme.example/./a',
  'spiffe://prod.acme.example/a/%2e%2e/b',
  'spiffe://prod.acme.example/a b',
  'spiffe://prod.acme.example/a?b',
  'spiffe://prod.acme.example/a#b',
  'spiffe://prod.acme.example:443/a',
  'spiffe://me@prod.acme.example/a',
  'spiffe://Prod.acme.example/a',
  'SPIFFE://prod.acme.example/a',
  'spiffe:///a',
  ' spiffe://prod.acme.example/a',
  'spiffe://prod.acme.example/a\n',
  'https://prod.acme.example/a',
])('%j is no workload', (text) => {
  expect(parseSpiffeId(text)).toBeNull()
})

test('an id longer than the standard allows is no workload', () => {
  expect(parseSpiffeId(`spiffe://d/${'a'.repeat(2037)}`)).not.toBeNull()
  expect(parseSpiffeId(`spiffe://d/${'a'.repeat(2038)}`)).toBeNull()
})

test('an id that is read is written back letter by letter: two texts never name one workload', () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9._%/-]{0,6}$/)
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
      const text = `spiffe://d.example/${segments.join('/')}`
      const id = parseSpiffeId(text)
      return id === null || `spiffe://${id.trustDomain}${id.path}` === text
    }),
  )
})

test('the reader of certificates stays within the bytes it is given, whatever they are', () => {
  const { raw } = new X509Certificate(authority.issue({ uris: [uri] }).certPem)
  fc.assert(
    fc.property(fc.nat(raw.length - 1), fc.nat(255), fc.nat(raw.length), (at, byte, length) => {
      const broken = Buffer.from(raw.subarray(0, length))
      if (at < length) broken[at] = byte
      const found = readExtensions(broken)
      return found === null || [...found.values()].every((value) => value.length <= broken.length)
    }),
    { numRuns: 2_000 },
  )
})
