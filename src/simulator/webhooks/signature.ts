// Signatures of the Standard Webhooks kind, as `client.beta.webhooks.unwrap` checks them: HMAC-SHA256 over id,
// timestamp and body, with a 32-byte secret.

import { createHmac } from 'node:crypto'
import { newSecretBytes } from '../ids.ts'

const prefix = 'whsec_'

/** A fresh signing secret. */
export const newSigningSecret = (): string => `${prefix}${newSecretBytes('whsec', 32).toString('base64')}`

/** Whether a text can be a signing secret: the prefix and 24 to 64 bytes in base64. */
export function isSigningSecret(text: string): boolean {
  const encoded = text.slice(prefix.length)
  const bytes = Buffer.from(encoded, 'base64')
  const isWhole = bytes.toString('base64') === encoded
  return text.startsWith(prefix) && isWhole && bytes.length >= 24 && bytes.length <= 64
}

/** The three headers of one delivery attempt, signed at `signedAtMs`. */
export function signatureHeaders(secret: string, id: string, signedAtMs: number, body: string) {
  const timestamp = String(Math.floor(signedAtMs / 1000))
  const key = Buffer.from(secret.slice(prefix.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
