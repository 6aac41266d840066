// The arm to beat, a program of its own: bare Fastify with @fastify/http-proxy, its options set for this use,
// and nothing on it: no identity, no policy, no journal. Argument: the upstream's URL. Prints its own.
import proxy from '@fastify/http-proxy'
import Fastify from 'fastify'

const [upstream = ''] = process.argv.slice(2)
const app = Fastify({ logger: false, keepAliveTimeout: 72_000 })
await app.register(proxy, {
  upstream,
  disableCache: true,
  undici: {
    // The default is 128 connections for everything: the 129th stream and every call after it would hang.
    connections: null,
    // The default ends a silent stream after five minutes.
    bodyTimeout: 0,
    headersTimeout: 600_000,
    // The default trusts any certificate.
    connect: { rejectUnauthorized: true },
  },
  // Without this a GET answered 503 is sent ten times more.
  replyOptions: { retryDelay: () => null },
})
console.log(`listening ${await app.listen({ host: '127.0.0.1', port: 0 })}`)
process.once('SIGTERM', () => process.exit(0))
