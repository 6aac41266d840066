// The storm's side of its gateway: starts it, asks it what it holds, keeps what it says of settled exchanges.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type FromChild, fromChild, type Holdings, type Settled } from './messages.ts'

export type StormGateway = {
  readonly url: string
  /** Exchanges settled so far, by the user agent that named them. */
  readonly settled: ReadonlyMap<string, readonly Settled[]>
  /** Resolves when the first exchange of this name has settled. */
  readonly whenSettled: (tag: string) => Promise<void>
  /** Forgets what has settled so far. */
  readonly forget: () => void
  readonly holdings: () => Promise<Holdings>
  /** Bytes of heap and buffers that survive a forced collection. */
  readonly heapBytes: () => Promise<number>
  readonly close: () => Promise<void>
}

/** Starts a gateway with a forced collector in front of `upstreamUrl`. */
export async function startStormGateway(upstreamUrl: string): Promise<StormGateway> {
  const child = fork(fileURLToPath(new URL('gateway-child.ts', import.meta.url)), [upstreamUrl], {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const settled = new Map<string, Settled[]>()
  const settling = new Map<string, () => void>()
  const waiting: { readonly kind: FromChild['kind']; readonly take: (message: FromChild) => void }[] = []
  child.on('message', (raw) => {
    const message = fromChild.parse(raw)
    if (message.kind === 'settled') {
      const known = settled.get(message.tag)
      if (known === undefined) settled.set(message.tag, [message])
      else known.push(message)
      settling.get(message.tag)?.()
      settling.delete(message.tag)
      return
    }
    const at = waiting.findIndex(({ kind }) => kind === message.kind)
    for (const { take } of waiting.splice(at, 1)) take(message)
  })
  // Not 'close': a channel that is closed from this side never says so.
  const exited = once(child, 'exit')
  const next = (kind: FromChild['kind']): Promise<FromChild> =>
    new Promise((resolve, reject) => {
      waiting.push({ kind, take: resolve })
      void exited.then(() => reject(new Error('the gateway of the storm has ended')))
    })
  const ready = await next('ready')
  return {
    url: ready.kind === 'ready' ? ready.url : '',
    settled,
    whenSettled: async (tag) => {
      if (!settled.has(tag)) await new Promise<void>((resolve) => settling.set(tag, resolve))
    },
    forget: () => settled.clear(),
    holdings: async () => {
      child.send('holdings')
      const answer = await next('holdings')
      if (answer.kind !== 'holdings') throw new Error('it answered something else')
      const { kind: _kind, ...holdings } = answer
      return holdings
    },
    heapBytes: async () => {
      child.send('heap')
      const answer = await next('heap')
      if (answer.kind !== 'heap') throw new Error('it answered something else')
      return answer.bytes
    },
    close: async () => {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
