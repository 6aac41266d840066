// A certificate authority in a test: signs certificates of any shape, also those that none should sign.
// Node can read X.509 and not write it, so the few elements of DER that a certificate needs are written here.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export type Issued = { readonly certPem: string; readonly keyPem: string; readonly key: KeyObject }

/** What is asked for; left out: a workload's own certificate, good for an hour, for clients and servers. */
export type Wanted = {
  readonly uris?: readonly string[]
  readonly dns?: readonly string[]
  readonly ips?: readonly string[]
  readonly isCa?: boolean
  /** Letters of the key usage: `s` digitalSignature, `c` keyCertSign, `r` cRLSign; '' leaves it out. */
  readonly usage?: string
  /** `client`, `server`; [] leaves it out. */
  readonly purposes?: readonly ('client' | 'server')[]
  readonly startsMs?: number
  readonly endsMs?: number
  /** A second extension of names beside the first. */
  readonly urisAgain?: readonly string[]
}

export type Authority = Issued & {
  readonly issue: (wanted: Wanted) => Issued
  /** An authority below this one. */
  readonly delegate: (name: string, wanted?: Wanted) => Authority
}

/** A root of its own. */
export function createAuthority(name: string, wanted: Wanted = {}): Authority {
  return authorityOf(name, null, { isCa: true, usage: 'cr', purposes: [], ...wanted })
}

type Parent = { readonly name: string; readonly key: KeyObject }

function authorityOf(name: string, parent: Parent | null, wanted: Wanted): Authority {
  const own = certify(name, parent, wanted)
  const self = { name, key: own.key }
  return {
    ...own,
    issue: (asked) => certify('leaf', self, asked),
    delegate: (below, asked = {}) =>
      authorityOf(below, self, { isCa: true, usage: 'cr', purposes: [], ...asked }),
  }
}

function certify(name: string, parent: Parent | null, wanted: Wanted): Issued {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const hourMs = 3_600_000
  const { startsMs = Date.now() - hourMs, endsMs = Date.now() + hourMs } = wanted
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const signed = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(8)])),
    algorithm,
    commonName(parent?.name ?? name),
    sequence(instant(startsMs), instant(endsMs)),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensionsOf(wanted))),
  )
  const signature = sign('sha256', signed, parent?.key ?? privateKey)
  const der = sequence(signed, algorithm, element(0x03, Buffer.from([0]), signature))
  return {
    certPem: `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    key: privateKey,
  }
}

function extensionsOf(wanted: Wanted): readonly Buffer[] {
  const { uris = [], dns = [], ips = [], isCa = false, usage = 's', purposes = ['client', 'server'] } = wanted
  const names = [
    ...uris.map((uri) => element(0x86, Buffer.from(uri, 'latin1'))),
    ...dns.map((host) => element(0x82, Buffer.from(host))),
    ...ips.map((ip) => element(0x87, Buffer.from(ip.split('.').map(Number)))),
  ]
  const bits = { s: 0x80, c: 0x04, r: 0x02 }
  const used =
    (usage.includes('s') ? bits.s : 0) +
    (usage.includes('c') ? bits.c : 0) +
    (usage.includes('r') ? bits.r : 0)
  const purposeIds = { client: '2b06010505070302', server: '2b06010505070301' }
  return [
    ...(isCa ? [extension('551d13', sequence(element(0x01, Buffer.from([0xff]))))] : []),
    ...(usage === '' ? [] : [extension('551d0f', element(0x03, Buffer.from([1, used])))]),
    ...(purposes.length === 0
      ? []
      : [extension('551d25', sequence(...purposes.map((purpose) => oid(purposeIds[purpose]))))]),
    ...(names.length === 0 ? [] : [extension('551d11', sequence(...names))]),
    ...(wanted.urisAgain === undefined
      ? []
      : [extension('551d11', sequence(...wanted.urisAgain.map((uri) => element(0x86, Buffer.from(uri)))))]),
  ]
}

function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => element(0x30, ...parts)
const oid = (hex: string): Buffer => element(0x06, Buffer.from(hex, 'hex'))
const extension = (id: string, value: Uint8Array): Buffer => sequence(oid(id), element(0x04, value))
const commonName = (name: string): Buffer =>
  sequence(element(0x31, sequence(oid('550403'), element(0x0c, Buffer.from(name)))))

/** `YYYYMMDDhhmmssZ` without the century, as certificates until 2049 write it. */
function instant(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, '')
  return element(0x17, Buffer.from(text.slice(2)))
}
