// Where the upstream's webhooks arrive. It asks for no key of ours: the signature on the raw bytes is the credential.
import type { FastifyInstance } from 'fastify'
import { TollgateError } from '../kernel/errors.ts'

export type ReceiveWebhook = (
  body: string,
  headers: { readonly [name: string]: string | readonly string[] | undefined },
) => 'taken' | 'refused'

/** Adds `POST /webhooks/anthropic`; nothing when nobody has a signing key. */
export function registerWebhookRoute(app: FastifyInstance, receive: ReceiveWebhook | null): void {
  if (receive === null) return
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // The signature covers the bytes as they came.
    scope.addContentTypeParser('*', { parseAs: 'string' }, async (_request: unknown, body: string) => body)
    scope.post('/webhooks/anthropic', { config: { open: true } }, async (request, reply) => {
      const body = typeof request.body === 'string' ? request.body : ''
      if (receive(body, request.headers) === 'taken') return reply.code(204).send()
      throw new TollgateError(
        'show.forbidden',
        'the webhook does not carry a signature that fits; compare the signing key of the endpoint with `TOLLGATE_WEBHOOK_KEY_FILE`, and the clocks',
      )
    })
  })
}
