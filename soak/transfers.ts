// `npm run soak -- transfers [megabytes]`: large uploads and downloads through a gateway process, and its memory meanwhile.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gatewayEnv, startGatewayProcess } from '../test/support/gateway-process.ts'
import { runTransfers, type Transfer } from '../test/support/transfers/transfers.ts'
import { startTransferUpstream } from '../test/support/transfers/upstream.ts'

const mib = 1024 * 1024
const bytes = Number(process.argv[2] ?? 500) * mib
const folder = mkdtempSync(join(tmpdir(), 'tollgate-transfers-'))
const upstream = await startTransferUpstream()
const gateway = await startGatewayProcess(
  gatewayEnv(folder, { TOLLGATE_UPSTREAM_URL: upstream.url, ANTHROPIC_API_KEY: 'sk-ant-soak' }),
)
const inMib = (count: number): string => (count / mib).toFixed(1)
const row = (cells: readonly string[]): void =>
  void process.stdout.write(
    `${cells.map((cell, at) => (at === 0 ? cell.padEnd(26) : cell.padStart(10))).join('')}\n`,
  )

function show({ name, bytes: total, seconds, memory, heldBackAt, isIntact }: Transfer): void {
  const { before, peak, after } = memory
  const heldBack = heldBackAt === null ? '-' : inMib(heldBackAt)
  const speed = (total / mib / seconds).toFixed(0)
  row([
    name,
    speed,
    inMib(before),
    inMib(peak),
    inMib(after),
    inMib(peak - before),
    heldBack,
    isIntact ? 'yes' : 'NO',
  ])
}

try {
  // The first transfers also warm the process up: its memory is looked at from then on.
  await runTransfers({ gateway, upstream, bytes: 64 * mib })
  process.stdout.write(`${inMib(bytes)} MiB each; resident memory of the gateway in MiB\n\n`)
  row(['', 'MiB/s', 'before', 'peak', 'after', 'growth', 'held at', 'intact'])
  const done = await runTransfers({ gateway, upstream, bytes })
  for (const one of done) show(one)
  if (done.some(({ isIntact }) => !isIntact)) process.exitCode = 1
} finally {
  await gateway.end('SIGTERM')
  await upstream.close()
  rmSync(folder, { recursive: true, force: true })
}
