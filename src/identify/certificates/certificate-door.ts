// Client certificates at the door: alone they say who is calling; beside a key or token they must agree where the
// directory binds the two.
import type { Clock } from '../../kernel/clock.ts'
import type { Denial, ErrorCode } from '../../kernel/errors.ts'
import type { Caller } from '../caller.ts'
import type { Directory } from '../directory.ts'
import type { Identify, Recheck } from '../identify.ts'
import { holdsOurCredential } from '../own-header.ts'
import { credentialInQuery, hasCredential } from '../sent-credential.ts'
import { callerOfClaims } from '../tokens/claims.ts'
import type { PeerCertificate } from './peer-certificate.ts'

type Deps = { readonly directory: () => Directory; readonly clock: Clock }

/** What a caller was made of: its certificate, and the caller its key or token made before, if it sent one. */
type Origin = { readonly certificate: PeerCertificate; readonly byCredential: Caller | null }

export type CertificateDoor = {
  /**
   * The same doorkeeper, which also takes certificates. A request that brings no credential of ours is its
   * certificate's; an upstream's bearer beside it makes `bringsUpstreamBearer` true. Every other is its key's or
   * token's, and refused when the directory binds that caller to a certificate that is not there.
   */
  readonly accept: (identify: Identify) => Identify
  /** The same second look, which also asks whether certificate, rule and authority still stand. */
  readonly recheckWith: (recheck: Recheck) => Recheck
}

/** Makes both sides of the door; callers that `accept` made are known to `recheckWith`. */
export function createCertificateDoor({ directory, clock }: Deps): CertificateDoor {
  const origins = new WeakMap<Caller, Origin>()

  const keep = (caller: Caller, origin: Origin): Caller => {
    origins.set(caller, origin)
    return caller
  }

  /** Who the certificate says is calling, by the directory of now. */
  const callerOf = (certificate: PeerCertificate): Caller | Denial => {
    if (certificate.kind === 'refused') return refuseCertificate(certificate.reason)
    const untilMs = certificate.goodUntilMs()
    if (untilMs === null)
      return refuseCertificate('none of the authorities this gateway knows vouches for it')
    if (untilMs <= clock.nowMs()) return certificateEnded
    const { trustDomain, path } = certificate.id
    const workload = directory().workloads.domains.get(trustDomain)
    if (workload === undefined) return refuseCertificate('its trust domain is not known here')
    const subject = `spiffe://${trustDomain}${path}`
    const speaker = { via: 'certificate', subject, expiresMs: untilMs } as const
    const found = callerOfClaims(directory(), workload, createPathReader(path), speaker)
    return typeof found === 'string'
      ? refuseCertificate('no rule lets this workload in', `directory.yaml workload ${workload.id}: ${found}`)
      : found
  }

  const bind = (found: Caller | Denial, certificate: PeerCertificate | null): Caller | Denial => {
    if ('kind' in found || !directory().workloads.boundCallers.has(found.id)) return found
    if (certificate === null) return certificateMissing(found)
    const named = callerOf(certificate)
    if ('kind' in named) return named
    if (named.id !== found.id) return certificateOfOther(found)
    // A copy, since callers of tokens are shared between connections, and each has a certificate of its own.
    return keep({ ...found }, { certificate, byCredential: found })
  }

  return {
    accept: (identify) => (rawHeaders, rawQuery, peer) => {
      const { certificate } = peer
      const isBound = directory().workloads.boundCallers.size > 0
      if (certificate === null && !isBound) return identify(rawHeaders, rawQuery, peer)
      if (certificate !== null && !holdsOurCredential(rawHeaders)) {
        if (hasCredential(rawQuery)) return credentialInQuery
        const found = callerOf(certificate)
        if ('kind' in found) return found
        const bringsUpstreamBearer = rawHeaders.some(isAuthorization)
        return keep({ ...found, bringsUpstreamBearer }, { certificate, byCredential: null })
      }
      const found = identify(rawHeaders, rawQuery, peer)
      return found instanceof Promise
        ? found.then((caller) => bind(caller, certificate))
        : bind(found, certificate)
    },
    recheckWith: (recheck) => (caller, startedAtMs) => {
      const origin = origins.get(caller)
      if (origin === undefined) {
        if (caller.via === 'certificate') return noLonger
        const isBound = directory().workloads.boundCallers.has(caller.id)
        return isBound ? certificateMissing(caller) : recheck(caller, startedAtMs)
      }
      const { certificate, byCredential } = origin
      if (byCredential !== null) {
        const ended = recheck(byCredential, startedAtMs)
        // Unbound since: the key or token alone is enough again.
        if (ended !== null || !directory().workloads.boundCallers.has(caller.id)) return ended
      }
      const now = callerOf(certificate)
      if ('kind' in now) return now
      if (now.id !== caller.id) return noLonger
      return byCredential !== null || isSame(now, caller) ? null : noLonger
    },
  }
}

const isAuthorization = (text: string, at: number): boolean =>
  at % 2 === 0 && text.toLowerCase() === 'authorization'

const isSame = (now: Caller, before: Caller): boolean =>
  now.team === before.team && now.roles.join() === before.roles.join()

/** `path`, and its segments as `path.1` to `path.9`. Ids know capitals and names do not: such a segment makes no name. */
function createPathReader(path: string): (name: string) => unknown {
  const [, ...segments] = path.split('/')
  return (name) => {
    if (name === 'path') return path
    const segment = /^path\.([1-9])$/.exec(name)?.[1]
    const text = segment === undefined ? undefined : segments[Number(segment) - 1]
    return text === text?.toLowerCase() ? text : undefined
  }
}

const refuseCertificate = (reason: string, rule = ''): Denial =>
  denial(
    'identify.certificate_refused',
    `the client certificate is not accepted here: ${reason}; ask your platform team`,
    rule === '' ? `certificate: ${reason}` : rule,
  )
const noLonger = refuseCertificate('its rules make another caller of it now')
const certificateEnded = denial(
  'identify.credential_expired',
  'the client certificate has expired; connect again with a new one',
)
const certificateOfOther = ({ id }: Caller): Denial =>
  denial(
    'identify.certificate_refused',
    `the client certificate is that of another caller than \`${id}\`, whose key or token was sent; send what belongs together`,
    `directory.yaml workloads: bind of ${id}`,
  )
const certificateMissing = ({ id }: Caller): Denial =>
  denial(
    'identify.certificate_required',
    `keys and tokens of caller \`${id}\` count only beside its client certificate; connect with it`,
    `directory.yaml workloads: bind of ${id}`,
  )

function denial(code: ErrorCode, message: string, rule = ''): Denial {
  return { kind: 'denial', code, message, rule }
}
