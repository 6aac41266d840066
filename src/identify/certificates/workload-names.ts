// Which workload a certificate names, by the SPIFFE standard for X.509 (X509-SVID): one id, and no power to sign others.
import type { X509Certificate } from 'node:crypto'
import { readElements, readExtensions } from './der.ts'
import { parseSpiffeId, type SpiffeId } from './spiffe-id.ts'

// Object ids of the extensions, as their bytes: 2.5.29.17, 2.5.29.15 and 2.5.29.19.
const alternativeNames = '551d11'
const keyUsage = '551d0f'
const basicConstraints = '551d13'
const nothing = new Uint8Array()
const booleanTag = 0x01
const uriTag = 0x86
const bitsTag = 0x03

/** The URIs among the names of a certificate, in its own bytes; null when they cannot be read. */
export function readUris(certificate: X509Certificate): readonly string[] | null {
  const extensions = readExtensions(certificate.raw)
  if (extensions === null) return null
  const value = extensions.get(alternativeNames)
  if (value === undefined) return []
  const [list, ...more] = readElements(value) ?? []
  const names = list?.tag === 0x30 && more.length === 0 ? readElements(list.content) : null
  return names === null
    ? null
    : names.filter(({ tag }) => tag === uriTag).map(({ content }) => Buffer.from(content).toString('latin1'))
}

/** The one workload a leaf certificate names, or why it names none, in words that repeat nothing of it. */
export function readWorkloadName(leaf: X509Certificate): SpiffeId | string {
  const uris = readUris(leaf)
  if (uris === null) return 'it cannot be read'
  const [uri, ...others] = uris
  if (uri === undefined) return 'it has no URI name; a SPIFFE id is expected there'
  if (others.length > 0) return 'it has more than one URI name; a SPIFFE id must stand there alone'
  const id = parseSpiffeId(uri)
  if (id === null) return 'its URI name is no SPIFFE id of a workload'
  const extensions = readExtensions(leaf.raw)
  const firstOf = (name: string) => readElements(extensions?.get(name) ?? nothing)?.[0]
  // `leaf.ca` is OpenSSL's opinion, which looks at the key usage too.
  const isAuthority = readElements(firstOf(basicConstraints)?.content ?? nothing)?.[0]?.tag === booleanTag
  if (leaf.ca || isAuthority) return 'it is an authority; a workload must not be one'
  const usage = firstOf(keyUsage)
  // The first byte counts the unused bits of the last.
  const bits = usage?.tag === bitsTag ? (usage.content[1] ?? 0) : 0
  const [digitalSignature, certSign, crlSign] = [0x80, 0x04, 0x02]
  if ((bits & digitalSignature) === 0) return 'its key usage does not say `digitalSignature`'
  if ((bits & (certSign | crlSign)) !== 0) return 'its key may sign certificates; that of a workload must not'
  return id
}
