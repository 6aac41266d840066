// ClickHouse's HTTP interface in front of the embedded engine: as much of it as `@clickhouse/client` uses here.
// Every request, the ping too, carries the secret of this engine's start.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { equalSecrets } from '../../kernel/secret.ts'
import { watchAbandonment } from './abandonment.ts'
import { answer, answerException, type Reply } from './answer.ts'
import type { Engine } from './engine.ts'
import { engineUsername } from './engine-messages.ts'
import { type EngineRequest, readRequest } from './read-request.ts'
import { ServerException } from './server-exception.ts'
import { readStatement } from './statement.ts'

/**
 * A server that is not listening yet. `onBroken` hears of a failure after which the engine cannot be trusted; the
 * process should end and be started anew.
 */
export function createHttpFacade(deps: {
  readonly engine: Engine
  readonly secret: string
  readonly onBroken: (error: unknown) => void
}): Server {
  const server = createServer((request, response) => {
    handle(deps.engine, deps.secret, request, response).catch(deps.onBroken)
    // After `close()` a connection that becomes idle must go as well, or the server never ends.
    response.once('close', () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections())
    })
  })
  // The only client is on this machine and keeps its connections; a server that drops idle ones races with it.
  server.keepAliveTimeout = 0
  return server
}

async function handle(
  engine: Engine,
  secret: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://engine')
  const queryId = url.searchParams.get('query_id') ?? randomUUID()
  const tag = randomUUID().replaceAll('-', '').slice(0, 16)
  const reply: Reply = {
    response,
    queryId,
    tag,
    version: engine.version,
    abandoned: () => response.destroyed,
  }
  try {
    if (!isAuthorized(request, secret)) {
      throw new ServerException(516, 'AUTHENTICATION_FAILED', 'the engine secret is missing or wrong')
    }
    if (url.pathname === '/ping') {
      response.end('Ok.\n')
      return
    }
    await run(engine, await readRequest(request, queryId), reply)
  } catch (error) {
    if (error instanceof UnusableSession) throw error
    answerException(error, reply)
  }
}

/** No session can be had from the engine any more. */
class UnusableSession extends Error {}

async function run(engine: Engine, request: EngineRequest, reply: Reply): Promise<void> {
  const statement = readStatement(request.sql, request.data.length > 0, request.defaultFormat)
  const lease = await engine.pool.acquire()
  const watch = watchAbandonment(reply.response, () => engine.kill(lease.name))
  let clean = false
  try {
    if (watch.abandoned()) {
      clean = true
      return
    }
    await lease.prepare(request, request.sql)
    await answer(lease.session, statement, request, { ...reply, abandoned: watch.abandoned })
    clean = !watch.abandoned()
  } catch (error) {
    answerException(error, reply)
  } finally {
    await watch.end()
    await lease.release(clean).catch((error: unknown) => {
      throw new UnusableSession('the engine opens no session', { cause: error })
    })
  }
}

function isAuthorized(request: IncomingMessage, secret: string): boolean {
  const expected = Buffer.from(`${engineUsername}:${secret}`).toString('base64')
  return equalSecrets(request.headers.authorization ?? '', `Basic ${expected}`)
}
