// The routes of /v1/tunnels: tunnels with their connector tokens, and the CA certificates each one trusts.

import { createHash, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { newId, newSecretBytes } from '../ids.ts'
import { parseBody } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'

type Certificate = {
  readonly order: number
  readonly id: string
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly fingerprint: string
  archivedAt: string | null
}

/** A tunnel with what hangs on it. Its token is made anew by a rotation and null once it is archived. */
export type TunnelRecord = {
  readonly order: number
  readonly id: string
  readonly displayName: string | null
  readonly domain: string
  readonly createdAt: string
  archivedAt: string | null
  token: { readonly id: string; readonly text: string } | null
  readonly certificates: Certificate[]
}

const certificatesMax = 2
const pemBytesMax = 8 * 1024

const createParams = z.strictObject({ display_name: z.string().min(1).max(255).nullish() })
const rotateParams = z.strictObject({ reason: z.string().nullish() })
const certificateParams = z.strictObject({ ca_certificate_pem: z.string() })

const tunnelView = (tunnel: TunnelRecord) => ({
  id: tunnel.id,
  type: 'tunnel',
  display_name: tunnel.displayName,
  domain: tunnel.domain,
  created_at: tunnel.createdAt,
  archived_at: tunnel.archivedAt,
})

const certificateView = (tunnel: TunnelRecord, certificate: Certificate) => ({
  id: certificate.id,
  type: 'tunnel_certificate',
  tunnel_id: tunnel.id,
  fingerprint: certificate.fingerprint,
  created_at: certificate.createdAt,
  expires_at: certificate.expiresAt,
  archived_at: certificate.archivedAt,
})

const newToken = () => ({ id: newId('ttok'), text: newSecretBytes('tunnel-token', 32).toString('base64url') })

function findTunnel({ tunnels }: World, request: ApiRequest): TunnelRecord {
  const id = request.param('id')
  const found = tunnels.get(id)
  if (found === undefined) throw notFound(`tunnel \`${id}\` not found`)
  return found
}

function findCertificate(tunnel: TunnelRecord, request: ApiRequest): Certificate {
  const id = request.param('certificate')
  const found = tunnel.certificates.find((certificate) => certificate.id === id)
  if (found === undefined) throw notFound(`tunnel \`${tunnel.id}\` has no certificate \`${id}\``)
  return found
}

function createTunnel(world: World, request: ApiRequest) {
  const { display_name } = parseBody(createParams, request.body)
  const tunnel: TunnelRecord = {
    order: world.nextOrder(),
    id: newId('tnl'),
    displayName: display_name ?? null,
    domain: `${newSecretBytes('tunnel-domain', 8).toString('hex')}.tunnels.simulator.test`,
    createdAt: timestamp(world.clock.nowMs()),
    archivedAt: null,
    token: newToken(),
    certificates: [],
  }
  world.tunnels.set(tunnel.id, tunnel)
  return tunnelView(tunnel)
}

function archiveTunnel(world: World, request: ApiRequest) {
  const tunnel = findTunnel(world, request)
  if (tunnel.archivedAt === null) {
    tunnel.archivedAt = timestamp(world.clock.nowMs())
    tunnel.token = null
    for (const certificate of tunnel.certificates) certificate.archivedAt ??= tunnel.archivedAt
  }
  return tunnelView(tunnel)
}

function tokenView({ id, token }: TunnelRecord) {
  if (token === null) throw invalidRequest(`tunnel \`${id}\` is archived: it has no token`)
  return { id: token.id, type: 'tunnel_token', tunnel_token: token.text }
}

function rotateToken(world: World, request: ApiRequest) {
  parseBody(rotateParams, request.body)
  const tunnel = findTunnel(world, request)
  if (tunnel.token !== null) tunnel.token = newToken()
  return tokenView(tunnel)
}

function readCertificate(pem: string): X509Certificate {
  const refuse = (reason: string) => invalidRequest(`ca_certificate_pem: ${reason}`)
  if (Buffer.byteLength(pem) > pemBytesMax) throw refuse(`at most ${pemBytesMax} bytes`)
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw refuse('must not contain a private key')
  if (pem.split('-----BEGIN CERTIFICATE-----').length !== 2)
    throw refuse('must contain exactly one certificate')
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
  } catch {
    throw refuse('not a PEM-encoded X.509 certificate')
  }
  if (!certificate.ca) throw refuse('not the certificate of a certificate authority')
  return certificate
}

function addCertificate(world: World, request: ApiRequest) {
  const tunnel = findTunnel(world, request)
  const { ca_certificate_pem } = parseBody(certificateParams, request.body)
  if (tunnel.archivedAt !== null) throw invalidRequest(`tunnel \`${tunnel.id}\` is archived`)
  const { raw, validTo } = readCertificate(ca_certificate_pem)
  if (tunnel.certificates.filter(({ archivedAt }) => archivedAt === null).length >= certificatesMax) {
    throw invalidRequest(`a tunnel holds at most ${certificatesMax} certificates: archive one first`)
  }
  const expiresAtMs = Date.parse(validTo)
  const certificate: Certificate = {
    order: world.nextOrder(),
    id: newId('tcrt'),
    createdAt: timestamp(world.clock.nowMs()),
    expiresAt: Number.isNaN(expiresAtMs) ? null : timestamp(expiresAtMs),
    fingerprint: createHash('sha256').update(raw).digest('hex'),
    archivedAt: null,
  }
  tunnel.certificates.push(certificate)
  return certificateView(tunnel, certificate)
}

function archiveCertificate(world: World, request: ApiRequest) {
  const tunnel = findTunnel(world, request)
  const certificate = findCertificate(tunnel, request)
  certificate.archivedAt ??= timestamp(world.clock.nowMs())
  return certificateView(tunnel, certificate)
}

/** One page, newest first, without the archived ones unless `include_archived` asks for them. */
function listUnarchived<T extends { readonly order: number; readonly archivedAt: string | null }>(
  records: Iterable<T>,
  { query }: ApiRequest,
  view: (record: T) => unknown,
) {
  const isArchivedToo = query.get('include_archived') === 'true'
  const items = [...records]
    .filter(({ archivedAt }) => isArchivedToo || archivedAt === null)
    .map((record) => ({ order: record.order, item: view(record) }))
  return paginateForward(items, query, 'desc')
}

/** The tunnel routes over `world`. They need the beta `mcp-tunnels-2026-06-22`. */
export function tunnelRoutes(world: World): readonly Route[] {
  const answers: readonly [Route['method'], string, (world: World, request: ApiRequest) => unknown][] = [
    ['POST', '', createTunnel],
    ['GET', '', (_, request) => listUnarchived(world.tunnels.values(), request, tunnelView)],
    ['GET', '/:id', (_, request) => tunnelView(findTunnel(world, request))],
    ['POST', '/:id/archive', archiveTunnel],
    ['POST', '/:id/reveal_token', (_, request) => tokenView(findTunnel(world, request))],
    ['POST', '/:id/rotate_token', rotateToken],
    ['POST', '/:id/certificates', addCertificate],
    ['GET', '/:id/certificates', listCertificates],
    ['GET', '/:id/certificates/:certificate', retrieveCertificate],
    ['POST', '/:id/certificates/:certificate/archive', archiveCertificate],
  ]
  return answers.map(([method, path, answer]) => ({
    method,
    pattern: `/v1/tunnels${path}`,
    access: 'tunnels',
    run: (request) => json(answer(world, request)),
  }))
}

function listCertificates(world: World, request: ApiRequest) {
  const tunnel = findTunnel(world, request)
  return listUnarchived(tunnel.certificates, request, (certificate) => certificateView(tunnel, certificate))
}

function retrieveCertificate(world: World, request: ApiRequest) {
  const tunnel = findTunnel(world, request)
  return certificateView(tunnel, findCertificate(tunnel, request))
}
