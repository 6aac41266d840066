// The `anthropic-version` that every request to the API must carry, refused in the upstream's own words.

import type { IncomingHttpHeaders } from 'node:http'
import { invalidRequest } from './api-error.ts'

/** The versions that are live; SDK 1.12.0 sends the newest, curl examples the middle one. */
const versions: ReadonlySet<string> = new Set(['2023-01-01', '2023-06-01', '2026-10-21'])

/** Throws a 400 when the version header is absent, sent twice with different words, or of no known version. */
export function checkVersion(headers: IncomingHttpHeaders): void {
  const version = headers['anthropic-version']
  if (version === undefined || version === '') throw invalidRequest('anthropic-version: header is required')
  // Node joins a header that came twice by a comma, as the upstream does: `"a, a" is not a valid version`.
  const text = String(version)
  if (!versions.has(text)) throw invalidRequest(`anthropic-version: "${text}" is not a valid version`)
}
