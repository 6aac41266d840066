// A whole house in front of an upstream that records every request it gets, and an attacker who writes bytes on bare
// sockets: what came back, what went up, and whether each refusal was counted.
import { once } from 'node:events'
import net from 'node:net'
import { expect } from 'vitest'
import { addCaller } from './callers.ts'
import { openTestHouse, type TestHouse } from './house.ts'
import { type Answer, type RawUpstream, startRawUpstream } from './raw-upstream.ts'
import { until } from './until.ts'
import { createWireReader, framingOf, headerOf, type WireMessage } from './wire-reader.ts'

export type BesiegedHouse = {
  readonly house: TestHouse
  readonly upstream: RawUpstream
  readonly port: number
  /** An admin's key, and one of a viewer, who may read agents and make nothing. */
  readonly admin: string
  readonly viewer: string
  /**
   * Writes these bytes (text as Latin-1) on a fresh connection; the messages that came back until there were `count`
   * whole ones, final answers and not, or the connection closed.
   */
  readonly attack: (bytes: string | Buffer, count?: number) => Promise<readonly WireMessage[]>
  /** The code of each answer in the upstream's envelope, checked as one; its status for any other. */
  readonly codesOf: (answers: readonly WireMessage[]) => readonly (string | number)[]
  /** Fails unless every refusal that `codesOf` has seen was counted under its code. */
  readonly expectAllCounted: () => Promise<void>
  /** What the ledger keeps of these exchanges, by request id. */
  readonly recorded: (requestId: string) => Promise<readonly object[]>
  readonly destroy: () => Promise<void>
}

/** Opens one; its upstream answers `{"data":[]}` unless told otherwise. */
export async function openBesiegedHouse(answer: Answer = emptyList): Promise<BesiegedHouse> {
  const upstream = await startRawUpstream(answer)
  const house = await openTestHouse({
    upstreamUrl: upstream.url,
    // What goes up is what was sent.
    env: { TOLLGATE_STAMPING: 'off' },
  })
  const viewer = addCaller(house, 'reader', 'platform', 'viewer')
  await house.refreshPolicies()
  const port = Number(new URL(house.gatewayUrl).port)
  const refusals = new Map<string, number>()
  return {
    house,
    upstream,
    port,
    admin: house.key,
    viewer,
    attack: (bytes, count = 1) => exchangeBytes(port, bytes, count),
    codesOf: (answers) =>
      answers.map((each) => {
        const code = refusalOf(each)
        if (code === null) return statusOf(each)
        refusals.set(code, (refusals.get(code) ?? 0) + 1)
        return code
      }),
    expectAllCounted: async () => {
      const counted = async () => {
        const text = await (await house.admin('/metrics')).text()
        return [...refusals].filter(([code, seen]) => !isCounted(text, code, seen))
      }
      expect(await until(counted, (missing) => missing.length === 0)).toEqual([])
    },
    recorded: async (requestId) => {
      await house.writer.flush()
      return house.ledger.query<object>(
        `SELECT decision, error_code, caller, operation FROM tollgate.exchanges FINAL WHERE exchange_id = {id:String}`,
        { id: requestId },
      )
    },
    destroy: async () => {
      await house.destroy()
      await upstream.close()
    },
  }
}

const emptyList: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[]}')
}

export const statusOf = ({ startLine }: WireMessage): number => Number(startLine.split(' ')[1])

/** Writes bytes on a fresh connection and reads answers off it; closes it. */
export async function exchangeBytes(
  port: number,
  bytes: string | Buffer,
  count: number,
): Promise<readonly WireMessage[]> {
  const socket = net.connect(port, '127.0.0.1')
  const messages: WireMessage[] = []
  const isHead = bytes.toString('latin1').startsWith('HEAD ')
  const reader = createWireReader({
    framing: (head) => (isHead || head.startLine.startsWith('HTTP/1.1 1') ? 0 : framingOf(head, 'close')),
    onHead: () => {},
    onWhole: (message) => {
      messages.push(message)
      if (messages.length >= count) socket.destroy()
    },
  })
  socket.on('error', () => {})
  socket.on('data', reader.push)
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  await once(socket, 'close')
  reader.end()
  return messages
}

/** Our code in the upstream's envelope; null for an answer that is no refusal of ours. */
function refusalOf(answer: WireMessage): string | null {
  if (!answer.body().includes('"error_code"')) return null
  const envelope: unknown = JSON.parse(answer.body().toString())
  const requestId = headerOf(answer, 'request-id')
  expect(envelope).toMatchObject({
    type: 'error',
    request_id: requestId,
    error: { message: expect.any(String) },
  })
  expect(requestId).toMatch(/^req_/)
  return /"error_code":"([^"]+)"/.exec(answer.body().toString())?.[1] ?? ''
}

function isCounted(exposition: string, code: string, seen: number): boolean {
  const line = exposition
    .split('\n')
    .find((each) => each.startsWith('tollgate_refusals_total{') && each.includes(`code="${code}"`))
  return Number(line?.split(' ').at(-1) ?? 0) >= seen
}
