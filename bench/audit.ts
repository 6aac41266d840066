// What the audit log costs: an entry made, hashed and chained (fsync and ledger aside), and an entry verified, on one core.
// Run: npm run bench -- audit [entries]
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAuditKeys, readPublicKeys } from '../src/audit/audit-keys.ts'
import { createAuditLog } from '../src/audit/audit-log.ts'
import { emptyState, type SignedCheckpoint } from '../src/audit/audit-state.ts'
import type { EntryRow } from '../src/audit/entry.ts'
import { createSignCheckpoint } from '../src/audit/sign-checkpoint.ts'
import { verifyBundle } from '../src/audit/verify.ts'
import { createSecretFile, readSecretFile } from '../src/identify/secret-file.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { createLogger } from '../src/kernel/logger.ts'

const entries = Number(process.argv[2] ?? 200_000)
const batch = 1_000

/** As large as an exchange's record really is: about 1,000 bytes. */
const exchange = (n: number) => ({
  kind: 'exchange',
  exchange_id: `exch_019aac${createHash('md5').update(String(n)).digest('hex')}`,
  started_at_ms: 1_795_000_000_000 + n,
  duration_ms: 12.25 + (n % 100),
  operation: 'sessions.events.list',
  method: 'GET',
  path: '/v1/sessions/sesn_011CZkZAtmR3yMPDzynEDxu7/events',
  team: 'payments',
  caller: 'ada',
  key_id: 'key_4f1c22d09a',
  client_ip: '10.20.30.40',
  user_agent: 'Anthropic/JS 1.12.0',
  decision: 'allowed',
  error_code: '',
  rules: 'policy.csv:31 policy.csv:84',
  policy_hash: '4d967a30111bf29f0eba01c448b375c1629b2fed01cdfcc3aed91f1b57d5dd5e',
  agent_id: 'agent_011CZkYpogX7uDKUyvBTophP',
  agent_version: 3,
  agent_version_requested: 'latest',
  pin_kind: 'sensitive',
  session_id: 'sesn_011CZkZAtmR3yMPDzynEDxu7',
  status: 200,
  end_reason: 'completed',
  upstream_request_id: 'req_011CZkZAtmR3yMPDzynEDxu7',
  request_bytes: 0,
  response_bytes: 5_123,
  events: 12,
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  retry_count: 0,
  capabilities: 'event.read event/*\nvisibility.read owner/payments/session/sesn_011CZkZAtmR3yMPDzynEDxu7',
})

const dir = mkdtempSync(join(tmpdir(), 'tollgate-bench-audit-'))
const rows: EntryRow[] = []
const checkpoints: SignedCheckpoint[] = []

/** CPU time of all threads of this process, in microseconds: others on this machine do not count. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Takes all records in batches; what becomes of them is kept for later, or dropped as the drain does. */
async function append(isKept: boolean): Promise<number> {
  const log = createAuditLog({
    ledger: {
      insertEntries: async (inserted) => void (isKept && rows.push(...inserted)),
      insertCheckpoints: async (_gateway, inserted) => void (isKept && checkpoints.push(...inserted)),
      findRecords: async () => new Set<string>(),
      lastCheckpoint: async () => -1,
    },
    sign: createSignCheckpoint(dir, openAuditKeys(dir, { read: readSecretFile, create: createSecretFile })),
    load: async () => undefined,
    // Durability is the disk's price, not ours.
    store: async () => undefined,
    begin: () => emptyState('gw_bench'),
    anchors: [],
    clock: systemClock,
    logger: createLogger('error'),
    checkpointMs: 60_000,
  })
  let spent = 0
  for (let at = 0; at < entries; at += batch) {
    const records = Array.from({ length: batch }, (_, index) => exchange(at + index))
    const start = cpuMicros()
    await log.take({ records, from: { segment: 1, offset: at }, next: { segment: 1, offset: at + batch } })
    spent += cpuMicros() - start
  }
  await log.close()
  return spent / entries
}

const microsEach = await append(false)
console.log(`append and chain: ${microsEach.toFixed(2)} µs of CPU an entry (${entries} entries)`)
await append(true)

async function* lines() {
  yield JSON.stringify({ kind: 'log', version: 1, gateway: 'gw_bench', keys: [] })
  let seq = 0
  for (const { timeMs, last, ...checkpoint } of checkpoints) {
    for (; seq < checkpoint.size; seq += 1) {
      const row = rows[seq]
      if (row === undefined) continue
      const { gateway: _gateway, kind, ...rest } = row
      yield JSON.stringify({ ...rest, kind: 'entry', record_kind: kind })
    }
    yield JSON.stringify({ ...checkpoint, kind: 'checkpoint', time_ms: timeMs, last_leaf: last })
  }
  yield JSON.stringify({ kind: 'end' })
}

const start = cpuMicros()
const result = await verifyBundle(lines(), { keys: readPublicKeys(dir), anchors: [], isLive: false })
const perMinute = (entries / (cpuMicros() - start)) * 60
console.log(
  `verify: ${perMinute.toFixed(2)} million entries a minute of CPU (${result.verdict}, ${checkpoints.length} checkpoints; writing the lines included)`,
)
rmSync(dir, { recursive: true, force: true })
process.exitCode = result.verdict === 'sound' ? 0 : 1
