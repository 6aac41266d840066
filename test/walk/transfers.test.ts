// Large uploads and downloads pass through a gateway process that holds none of their bytes, however slow the receiver.
import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic, { toFile } from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { type GatewayProcess, gatewayEnv, startGatewayProcess } from '../support/gateway-process.ts'
import { runTransfers } from '../support/transfers/transfers.ts'
import { startTransferUpstream } from '../support/transfers/upstream.ts'

const mib = 1024 * 1024
const bytes = 192 * mib
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-transfers-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function withGateway(
  upstreamUrl: string,
  apiKey: string,
  act: (gateway: GatewayProcess) => Promise<void>,
) {
  const name = mkdtempSync(join(folder, 'gateway-'))
  const gateway = await startGatewayProcess(
    gatewayEnv(name, { TOLLGATE_UPSTREAM_URL: upstreamUrl, ANTHROPIC_API_KEY: apiKey }),
  )
  try {
    await act(gateway)
  } finally {
    await gateway.end('SIGTERM')
  }
}

test('192 MB up and down arrive whole, and slow receivers hold back their senders instead of filling memory', {
  timeout: 120_000,
}, async () => {
  const upstream = await startTransferUpstream()
  try {
    await withGateway(upstream.url, 'sk-ant-test', async (running) => {
      const plan = { gateway: running, upstream, bytes }
      // The first ones fill what every process fills once: code, heap, buffers that are kept for reuse.
      await runTransfers({ ...plan, bytes: 32 * mib })
      for (const { name, isIntact, heldBackAt, memory } of await runTransfers(plan)) {
        expect([name, isIntact]).toEqual([name, true])
        // What lies between sender and receiver is mostly the kernel's socket buffers, on four ends.
        expect(heldBackAt ?? 0, name).toBeLessThan(bytes / 2)
        // What is collected late swings by up to 70 MiB, however large the transfer; kept bytes would be all 192 MiB.
        expect(memory.peak - memory.before, name).toBeLessThan(bytes * 0.6)
      }
    })
  } finally {
    await upstream.close()
  }
})

test('the SDK uploads 32 MB to the simulator and downloads them from a session, and no byte differs', {
  timeout: 120_000,
}, async () => {
  const temporaryDirectory = mkdtempSync(join(folder, 'simulator-'))
  const simulator = await startSimulator({ temporaryDirectory })
  try {
    await withGateway(simulator.url, simulator.apiKey, async ({ gatewayUrl, key }) => {
      const client = new Anthropic({ baseURL: gatewayUrl, apiKey: key, maxRetries: 0 })
      const content = Buffer.alloc(32 * mib, 'tollgate\0\xff\r\n--boundary')
      const file = await client.beta.files.upload({ file: await toFile(content, 'large.bin') })
      expect(file.size_bytes).toBe(content.length)
      const [stored] = filesIn(temporaryDirectory)
      expect(await hashOf(createReadStream(stored ?? ''))).toBe(await hashOf([content]))

      const written = await fetch(`${simulator.url}/simulator/files?scope_id=sesn_1&filename=out.bin`, {
        method: 'POST',
        body: content,
      })
      const { id } = Object(await written.json())
      const download = await client.beta.files.download(String(id))
      expect(download.headers.get('content-length')).toBe(String(content.length))
      expect(await hashOf(download.body ?? [])).toBe(await hashOf([content]))
    })
  } finally {
    await simulator.close()
  }
})

const filesIn = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())

async function hashOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
