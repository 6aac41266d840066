// TLS of the data plane: what is negotiated, whose certificates are asked for, and new files without a restart.
import { constants } from 'node:crypto'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:https'

/** What a listener serves with. PEM; the key is a secret. */
export type TlsMaterial = {
  readonly certPem: string
  readonly keyPem: string
  /** The authorities whose client certificates are believed; null: none is asked for. */
  readonly clientCaPem: string | null
}

export type TlsListener = {
  /** Makes the server that Fastify serves on. */
  readonly createServer: (handle: RequestListener) => Server
  /** Serves every connection from now on with this. Throws when OpenSSL cannot use it; then nothing has changed. */
  readonly renew: (material: TlsMaterial) => void
}

/**
 * A listener for HTTP/1.1 over TLS 1.2 and newer. `required`: who shows no good certificate gets no further than the
 * handshake. `optional`: whoever shows a bad one does, and is told why when it is asked who it is. `onFailedHandshake`
 * counts.
 */
export function createTlsListener(
  material: TlsMaterial,
  client: 'off' | 'optional' | 'required',
  onFailedHandshake: () => void = () => {},
): TlsListener {
  const server: { current?: ReturnType<typeof createServer> } = {}
  return {
    createServer: (handle) => {
      server.current = createServer(
        {
          ...contextOf(material),
          requestCert: client !== 'off',
          rejectUnauthorized: client === 'required',
          ALPNProtocols: ['http/1.1'],
          handshakeTimeout: 10_000,
          requireHostHeader: false,
        },
        handle,
      )
      // Node would hand it to whoever answers bytes that are no HTTP, in the clear on a connection that has no keys.
      server.current.removeAllListeners('tlsClientError')
      server.current.on('tlsClientError', (_error, socket) => {
        onFailedHandshake()
        socket.destroy()
      })
      return server.current
    },
    renew: (renewed) => server.current?.setSecureContext(contextOf(renewed)),
  }
}

const { SSL_OP_NO_RENEGOTIATION: noRenegotiation, SSL_OP_NO_TICKET: noTicket } = constants

function contextOf({ certPem, keyPem, clientCaPem }: TlsMaterial) {
  return {
    cert: certPem,
    key: keyPem,
    ...(clientCaPem === null ? {} : { ca: clientCaPem }),
    minVersion: 'TLSv1.2',
    // A resumed session would bring its certificate along unchecked, past authorities that are gone since.
    secureOptions: noRenegotiation | noTicket,
  } as const
}
