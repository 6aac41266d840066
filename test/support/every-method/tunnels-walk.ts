// Every method of tunnels and their certificates.
import { impostorCertificate } from '../self-signed.ts'
import { collect, type Stage, three } from './stage.ts'

const page = { limit: 1 }

export async function walkTunnels({ client }: Stage): Promise<void> {
  const { tunnels } = client.beta
  const [tunnel] = await three((display_name) => tunnels.create({ display_name }))
  await tunnels.retrieve(tunnel.id)
  await collect(tunnels.list(page))
  const own = { tunnel_id: tunnel.id }
  const ca_certificate_pem = impostorCertificate
  const first = await tunnels.certificates.create(tunnel.id, { ca_certificate_pem })
  await tunnels.certificates.create(tunnel.id, { ca_certificate_pem })
  await tunnels.certificates.retrieve(first.id, own)
  // There may be two at a time.
  await tunnels.certificates.archive(first.id, own)
  await tunnels.certificates.create(tunnel.id, { ca_certificate_pem })
  await collect(tunnels.certificates.list(tunnel.id, { ...page, include_archived: true }))
  await tunnels.archive(tunnel.id)
}

/** What answers a secret; Tollgate refuses both on purpose. */
export async function walkTunnelTokens({ client }: Stage): Promise<void> {
  const { tunnels } = client.beta
  const { id } = await tunnels.create({ display_name: 'office' })
  await tunnels.revealToken(id)
  await tunnels.rotateToken(id, { reason: 'leaked' })
}
