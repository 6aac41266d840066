// What readiness asks: each part that can be unwell, and why it is.
import type { AppParts } from './app.ts'
import type { OpenTls } from './open-tls.ts'

const outboxAgeMs = 600_000

/** One check for each part; null is well, a sentence is why not. None of them asks anything of an upstream. */
export function readinessOf(parts: AppParts, tls: OpenTls, isClosing: () => boolean) {
  // Named, so that a reader sees which accounts are served; asking them here would let strangers make calls upstream.
  const several = parts.upstreams.length > 1 ? parts.upstreams : []
  return [
    { name: 'gateway', check: () => (isClosing() ? 'shutting down' : null) },
    ...several.map(({ name }) => ({ name: `upstream ${name}`, check: () => null })),
    { name: 'policies', check: () => parts.policies.problem() },
    ...(tls.listener === undefined ? [] : [{ name: 'certificate', check: tls.problem }]),
    {
      name: 'journal',
      check: () =>
        parts.journal.backlogBytes() < parts.config.journal.backlogBytesMax / 2
          ? null
          : 'more than half full',
    },
    {
      name: 'ledger',
      check: async () =>
        (await parts.ledger.ping())
          ? parts.writer.status().healthy
            ? null
            : 'takes no batches; they wait in the journal'
          : 'not reachable',
    },
    {
      name: 'traces',
      isNote: true as const,
      check: () =>
        (parts.writer.outbox?.()?.oldestAgeMs ?? 0) > outboxAgeMs
          ? 'traces of sessions have not been taken for ten minutes; they wait in the outbox'
          : null,
    },
  ]
}
