// A test house whose gateway speaks TLS, and clients that show certificates to it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { Agent } from 'undici'
import { type Authority, createAuthority, type Issued } from './authority.ts'
import { type HouseOptions, openTestHouse, type TestHouse } from './house.ts'

/** What a client needs for its side of TLS. */
export type Shown = { readonly ca: string; readonly cert?: string; readonly key?: string }

export type TlsHouse = TestHouse & {
  /** Puts other files in the place of the listener's. */
  readonly writeTls: (files: { readonly server?: Issued; readonly clientCaPem?: string }) => void
  /** How a client reaches the gateway, with this certificate or none. */
  readonly connection: (shown?: Issued) => Shown
  /** An unmodified SDK client with a certificate, a key, or both. */
  readonly clientWith: (shown: Issued | undefined, apiKey?: string) => Anthropic
  /** One GET on a connection of its own, or on that of the agent. */
  readonly get: (
    path: string,
    shown: Issued | undefined,
    options?: { readonly headers?: readonly string[]; readonly agent?: https.Agent },
  ) => Promise<{ readonly status: number; readonly body: string }>
  readonly closeClients: () => Promise<void>
}

/** The authority every client here trusts for the gateway itself. */
export const publicAuthority: Authority = createAuthority('public')

/** What the gateway shows. */
export const serverCertificate = (): Issued =>
  publicAuthority.issue({ dns: ['localhost'], ips: ['127.0.0.1'], purposes: ['server'] })

/** Opens a house that believes the client certificates of `clientCa`. */
export async function openTlsHouse(
  clientCaPem: string,
  client: 'optional' | 'required' = 'optional',
  options: HouseOptions = {},
): Promise<TlsHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-tls-'))
  const at = (name: string): string => join(folder, name)
  const writeTls: TlsHouse['writeTls'] = ({ server, clientCaPem: ca }) => {
    if (server !== undefined) {
      writeFileSync(at('key.pem'), server.keyPem)
      writeFileSync(at('cert.pem'), server.certPem)
    }
    if (ca !== undefined) writeFileSync(at('ca.pem'), ca)
  }
  writeTls({ server: serverCertificate(), clientCaPem })
  const house = await openTestHouse({
    ...options,
    env: {
      TOLLGATE_TLS_CERT_FILE: at('cert.pem'),
      TOLLGATE_TLS_KEY_FILE: at('key.pem'),
      TOLLGATE_TLS_CLIENT_CA_FILE: at('ca.pem'),
      TOLLGATE_TLS_CLIENT: client,
      ...options.env,
    },
  })
  const dispatchers: Agent[] = []
  const connection: TlsHouse['connection'] = (shown) => ({
    ca: publicAuthority.certPem,
    ...(shown === undefined ? {} : { cert: shown.certPem, key: shown.keyPem }),
  })
  return {
    ...house,
    writeTls,
    connection,
    clientWith: (shown, apiKey) => {
      const dispatcher = new Agent({ connect: connection(shown) })
      dispatchers.push(dispatcher)
      return new Anthropic({
        baseURL: house.gatewayUrl,
        apiKey: apiKey ?? null,
        authToken: null,
        // As the SDK wants to hear that there is nothing to send.
        ...(apiKey === undefined ? { defaultHeaders: { authorization: null } } : {}),
        maxRetries: 0,
        fetchOptions: { dispatcher },
      })
    },
    get: (path, shown, { headers = [], agent } = {}) =>
      get(`${house.gatewayUrl}${path}`, {
        ...connection(shown),
        agent: agent ?? false,
        headers: ['host', 'localhost', 'anthropic-version', '2023-06-01', 'anthropic-beta', beta, ...headers],
      }),
    closeClients: async () => {
      await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()))
    },
    destroy: async () => {
      await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()))
      await house.destroy()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const beta = 'managed-agents-2026-04-01'

function get(url: string, options: https.RequestOptions): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = https.get(url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      )
    })
    request.on('error', reject)
  })
}

/** Puts lines at the end of the directory, in place of what an earlier call put there. */
export function writeWorkloads(house: TestHouse, yaml: string): void {
  const path = join(house.policiesDir, 'directory.yaml')
  const [text = ''] = readFileSync(path, 'utf8').split('workloads:')
  writeFileSync(path, `${text.trimEnd()}\n${yaml}`)
}
