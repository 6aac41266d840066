// A webhook of the upstream: a pointer, never a fact. Its signature says which account it is of; then that session is
// looked at. Lost, doubled or out of order, it changes nothing but when the look comes.
import { z } from 'zod'
import type { Secret } from '../kernel/secret.ts'

/** The secret an upstream signs its webhooks with. */
export type WebhookKey = { readonly upstream: string; readonly key: Secret }

/** Checks a Standard Webhooks signature and its time, and returns the payload. Throws when it does not fit. */
export type VerifyWebhook = (
  body: string,
  headers: { readonly [name: string]: string },
  key: string,
) => unknown

export type WebhookReceiver = (
  body: string,
  headers: { readonly [name: string]: string | readonly string[] | undefined },
) => 'taken' | 'refused'

const signed = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const

const schema = z.object({
  data: z.object({ type: z.string(), id: z.string().regex(/^[A-Za-z0-9_.-]{1,256}$/) }),
})

/** Makes the receiver. `wake` is told of every session that a webhook names; of other objects nobody is told. */
export function createWebhookReceiver(deps: {
  readonly keys: readonly WebhookKey[]
  readonly verify: VerifyWebhook
  readonly wake: (sessionId: string, upstream: string) => void
}): WebhookReceiver {
  return (body, headers) => {
    const given = Object.fromEntries(signed.map((name) => [name, String(headers[name] ?? '')]))
    for (const { upstream, key } of deps.keys) {
      const payload = verified(() => deps.verify(body, given, key.reveal()))
      if (payload === undefined) continue
      const event = schema.safeParse(payload)
      // After `deleted` there is nothing to read any more.
      if (event.success && /^session\.(?!deleted$)/.test(event.data.data.type))
        deps.wake(event.data.data.id, upstream)
      return 'taken'
    }
    return 'refused'
  }
}

function verified(verify: () => unknown): unknown {
  try {
    return verify()
  } catch {
    return undefined
  }
}

/** The SDK's own check, loaded when somebody asks for it: most gateways have no webhook. */
export async function loadVerifyWebhook(): Promise<VerifyWebhook> {
  const { default: Anthropic } = await import('@anthropic-ai/sdk')
  // It calls nobody: only its `unwrap` is used.
  const { webhooks } = new Anthropic({ apiKey: 'unused', baseURL: 'http://127.0.0.1:1' }).beta
  return (body, headers, key) => webhooks.unwrap(body, { headers, key })
}
