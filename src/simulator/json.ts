// JSON read from a request: parsed by zod, refused in the upstream's words when it does not fit.

import { z } from 'zod'
import { invalidRequest } from './http/api-error.ts'

/** Any JSON object. */
export type JsonObject = { readonly [key: string]: unknown }

/** A JSON object of any shape. */
export const jsonObject = z.record(z.string(), z.unknown())

/** Metadata at creation: at most 16 pairs, keys to 64 and values to 512 characters. */
export const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, 'at most 16 pairs')

/** A metadata merge patch: `null` removes a key. */
export const metadataPatch = z.record(z.string().max(64), z.string().max(512).nullable()).nullable()

/** The metadata after a patch; an absent or null patch changes nothing. */
export function patchMetadata(
  current: Readonly<Record<string, string>>,
  patch: z.infer<typeof metadataPatch> | undefined,
): Record<string, string> {
  const merged: Record<string, string> = { ...current }
  for (const [key, value] of Object.entries(patch ?? {})) {
    if (value === null) delete merged[key]
    else merged[key] = value
  }
  if (Object.keys(merged).length > 16) throw invalidRequest('metadata: at most 16 pairs', 'invalid_metadata')
  return merged
}

/** `body` as the schema reads it. Throws a 400 that names the first field at fault. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {})
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.join('.')
  throw invalidRequest(`${field}: ${issue?.message ?? 'invalid'}`)
}
