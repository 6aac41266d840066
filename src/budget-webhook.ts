// A message to whoever the configuration names when a budget passes a threshold: a Standard Webhook, tried a few times.
import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { BudgetsConfig } from './config-budgets.ts'
import type { Clock } from './kernel/clock.ts'
import { newId } from './kernel/ids.ts'
import type { Logger } from './kernel/logger.ts'

const triesMax = 5
const timeoutMs = 5_000
const firstWaitMs = 500

/**
 * Makes the sender; what it is told goes out as `{"type":"budget.threshold","timestamp":…,"data":…}`, signed as the Standard
 * Webhooks specification says (HMAC-SHA256 of `id.timestamp.body`). Never throws; a message nobody took is logged. `close`
 * waits for no further try.
 */
export function createBudgetWebhook(
  webhook: BudgetsConfig['webhook'],
  {
    clock,
    logger,
    waitMs = firstWaitMs,
  }: { readonly clock: Clock; readonly logger: Logger; readonly waitMs?: number },
): { readonly tell: (data: object) => void; readonly close: () => void } {
  const stop = new AbortController()
  const send = async (url: string, key: string, data: object): Promise<void> => {
    const nowMs = clock.nowMs()
    const id = newId('msg', nowMs)
    const body = JSON.stringify({ type: 'budget.threshold', timestamp: new Date(nowMs).toISOString(), data })
    const secret = Buffer.from(key.slice('whsec_'.length), 'base64')
    for (let tries = 1; tries <= triesMax; tries += 1) {
      const timestamp = String(Math.floor(clock.nowMs() / 1000))
      const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')
      const status = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${signature}`,
        },
        body,
        redirect: 'error',
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]),
      }).then(
        async (answer) => {
          await answer.body?.cancel()
          return answer.status
        },
        () => 0,
      )
      if (status >= 200 && status < 300) return
      if (tries < triesMax)
        await wait(waitMs * 2 ** (tries - 1), undefined, { signal: stop.signal, ref: false })
    }
    logger.error({ webhook_id: id }, 'nobody took the message that a budget passed a threshold')
  }
  return {
    tell: (data) => {
      if (webhook === null) return
      // Only `close` makes it reject.
      void send(webhook.url, webhook.key.reveal(), data).catch(() => undefined)
    },
    close: () => stop.abort(),
  }
}
