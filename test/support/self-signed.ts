// An impostor: an HTTPS server whose certificate nobody vouches for. Its key is public on purpose and guards nothing.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { portOf } from './raw-upstream.ts'

const key = readFileSync(new URL('./impostor/key.pem', import.meta.url))
const cert = readFileSync(new URL('./impostor/cert.pem', import.meta.url))

/** The impostor's certificate, for the tests that trust it. */
export const impostorCertificate = cert.toString('utf8')

/** The key that goes with it, for another server to be the impostor. */
export const impostorKey = key.toString('utf8')

/** Starts it on a random port; `requests` counts what reached it behind its certificate. */
export async function startSelfSigned(): Promise<{
  readonly url: string
  readonly requests: () => number
  readonly close: () => Promise<void>
}> {
  let requests = 0
  const server = https.createServer({ key, cert }, (_request, response) => {
    requests += 1
    response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://localhost:${portOf(server)}`,
    requests: () => requests,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
