// The engine process: chdb behind its HTTP facade on a private socket. Started by `supervisor.ts` and by nobody else;
// takes its orders over the fork's channel and ends when that channel does, so it never outlives its gateway.
import { chmodSync, rmSync } from 'node:fs'
import { setPriority } from 'node:os'
import { dirname } from 'node:path'
import { EngineFailure, openEngine } from './engine.ts'
import { type EngineReport, engineOrderSchema, type StartOrder } from './engine-messages.ts'
import { createHttpFacade } from './http-facade.ts'

// Where cores are few, the gateway's answers come first.
setPriority(5)

// What the engine writes is billing data: for this account only.
process.umask(0o077)

// A terminal's Ctrl-C or a process manager's stop reaches the whole process group. The gateway then still has rows to
// write, and says itself when the engine may go.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

let socketPath = ''

process.on('disconnect', () => {
  // The gateway is dead: nobody waits for an answer, and the next one wants the folder's lock at once. A kill is safe,
  // since the engine acknowledges an insert only when its part is complete.
  if (socketPath !== '') rmSync(dirname(socketPath), { recursive: true, force: true })
  process.kill(process.pid, 'SIGKILL')
})

process.on('message', (message) => {
  const order = engineOrderSchema.parse(message)
  if (order.kind === 'start') start(order).catch(fail)
})

async function start(order: StartOrder): Promise<void> {
  socketPath = order.socketPath
  const engine = await openEngine(order)
  const server = createHttpFacade({ engine, secret: order.secret, onBroken: fail })
  rmSync(socketPath, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new EngineFailure('listen', error.message)))
    server.listen({ path: socketPath }, resolve)
  })
  chmodSync(socketPath, 0o600)
  process.on('message', (message) => {
    if (engineOrderSchema.parse(message).kind !== 'stop') return
    // Running requests get their answers; the supervisor kills what takes too long.
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  })
  report({ kind: 'ready', version: engine.version, damagedParts: [...engine.damagedParts] })
}

function fail(error: unknown): void {
  const reason = error instanceof EngineFailure ? error.reason : 'open'
  report({ kind: 'failed', reason, detail: error instanceof Error ? error.message : String(error) })
}

function report(message: EngineReport): void {
  process.send?.(message, undefined, undefined, () => {
    if (message.kind === 'failed') process.kill(process.pid, 'SIGKILL')
  })
}
