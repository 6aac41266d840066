// The client certificate of a connection: read once, believed for as long as those who vouch for it are.
import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { SpiffeId } from './spiffe-id.ts'
import { readUris, readWorkloadName } from './workload-names.ts'

/** What the certificate of a connection says about who is calling. */
export type PeerCertificate =
  | {
      readonly kind: 'workload'
      readonly id: SpiffeId
      /**
       * When it stops counting, by itself or by an authority above it; null when nobody vouches for it any more. Asked
       * on each use, since authorities are changed while connections stay open.
       */
      readonly goodUntilMs: () => number | null
    }
  /** It was shown, and proves nothing; `reason` repeats nothing of it. */
  | { readonly kind: 'refused'; readonly reason: string }

/** Null: none was asked for, or none shown. */
export type ReadPeerCertificate = (socket: Socket) => PeerCertificate | null

/** `authorities`: those of now; a new array whenever they change. */
export function createReadPeerCertificate(
  authorities: () => readonly X509Certificate[],
): ReadPeerCertificate {
  const known = new WeakMap<Socket, PeerCertificate | null>()
  return (socket) => {
    if (!(socket instanceof TLSSocket)) return null
    const before = known.get(socket)
    if (before !== undefined) return before
    const found = readFrom(socket, authorities)
    known.set(socket, found)
    return found
  }
}

function readFrom(socket: TLSSocket, authorities: () => readonly X509Certificate[]): PeerCertificate | null {
  const leaf = socket.getPeerX509Certificate()
  if (leaf === undefined) return null
  if (!socket.authorized) return { kind: 'refused', reason: reasonOf(String(socket.authorizationError)) }
  const id = readWorkloadName(leaf)
  if (typeof id === 'string') return { kind: 'refused', reason: id }
  const chain = chainOf(leaf)
  let asked: readonly X509Certificate[] | null = null
  let untilMs: number | null = null
  return {
    kind: 'workload',
    id,
    goodUntilMs: () => {
      const now = authorities()
      if (now !== asked) {
        asked = now
        untilMs = vouchedUntil(leaf, chain, now, id.trustDomain, chainMax)
      }
      return untilMs
    },
  }
}

/** More than any real chain has; what is sent beyond is not looked at. */
const chainMax = 8

function chainOf(leaf: X509Certificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  let next = leaf.issuerCertificate
  while (next !== undefined && chain.length < chainMax) {
    chain.push(next)
    next = next.issuerCertificate
  }
  return chain
}

/** The earliest end on the way from the certificate to one of the authorities; null when there is no way. */
function vouchedUntil(
  certificate: X509Certificate,
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  trustDomain: string,
  stepsMax: number,
): number | null {
  const endMs = Date.parse(certificate.validTo)
  const isIssuer = (issuer: X509Certificate): boolean =>
    issuer.ca &&
    speaksFor(issuer, trustDomain) &&
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey)
  const ends = authorities.filter(isIssuer).map(({ validTo }) => Date.parse(validTo))
  if (stepsMax > 0 && ends.length === 0) {
    for (const issuer of chain.filter(isIssuer)) {
      const rest = chain.filter((one) => one !== issuer)
      const end = vouchedUntil(issuer, rest, authorities, trustDomain, stepsMax - 1)
      if (end !== null) ends.push(end)
    }
  }
  return ends.length === 0 ? null : Math.min(endMs, Math.max(...ends))
}

/** An authority that names its own trust domain speaks for no other: two domains may share one file of authorities. */
function speaksFor(issuer: X509Certificate, trustDomain: string): boolean {
  const uris = readUris(issuer)
  if (uris === null) return false
  const domains = uris.filter((uri) => uri.startsWith('spiffe:'))
  return domains.length === 0 || domains.every((uri) => uri === `spiffe://${trustDomain}`)
}

/** OpenSSL's words for what people can do something about. */
function reasonOf(code: string): string {
  if (code === 'CERT_HAS_EXPIRED') return 'it, or an authority above it, has expired'
  if (code === 'CERT_NOT_YET_VALID') return 'it is not valid yet'
  if (code === 'INVALID_PURPOSE') return 'it is not made for clients'
  return 'none of the authorities this gateway knows vouches for it'
}
