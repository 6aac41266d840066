// The prompt cache: beginnings of prompts that were marked with `cache_control`, each alive for its TTL after its
// last use. It decides how a prompt's tokens split into read, written for 5 minutes, written for an hour, and plain.

import { createHash } from 'node:crypto'
import { invalidRequest } from '../http/api-error.ts'
import type { PromptPiece } from './token-count.ts'

/** A prompt's tokens in the four kinds that are priced apart; together they are the whole prompt. */
export type PromptUsage = {
  readonly inputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWrite5mTokens: number
  readonly cacheWrite1hTokens: number
}

const ttlMs = { '5m': 5 * 60_000, '1h': 60 * 60_000 } as const
const breakpointsMax = 4
/** A shorter beginning is never cached, as upstream. */
const cachedTokensMin = 1024

type Mark = { readonly key: string; readonly tokens: number; readonly ttl: '5m' | '1h' }

/** The marked beginnings of a prompt, shortest first. Throws a 400 for more than four, or an hour after five minutes. */
function marksOf(model: string, pieces: readonly PromptPiece[]): readonly Mark[] {
  const hash = createHash('sha256').update(model)
  const marks: Mark[] = []
  let tokens = 0
  for (const piece of pieces) {
    hash.update(`\n${piece.identity.length}:${piece.identity}`)
    tokens += piece.tokens
    if (piece.cacheTtl === null) continue
    if (piece.cacheTtl === '1h' && marks.some(({ ttl }) => ttl === '5m')) {
      throw invalidRequest('cache_control: a ttl of `1h` must come before every ttl of `5m`')
    }
    marks.push({ key: hash.copy().digest('base64url'), tokens, ttl: piece.cacheTtl })
  }
  if (marks.length > breakpointsMax) {
    throw invalidRequest(
      `A maximum of ${breakpointsMax} blocks with cache_control may be provided. Found ${marks.length}.`,
    )
  }
  return marks.filter((mark) => mark.tokens >= cachedTokensMin)
}

/** An empty cache. */
export function createPromptCache() {
  const untilMsByKey = new Map<string, number>()
  return {
    /**
     * Reads the longest beginning that is alive, writes the longer marked ones, and says how the tokens split.
     * Throws a 400 when the marks are not valid, having written nothing.
     */
    use: (model: string, pieces: readonly PromptPiece[], nowMs: number): PromptUsage => {
      const marks = marksOf(model, pieces)
      const total = pieces.reduce((sum, { tokens }) => sum + tokens, 0)
      const read = marks.findLast(({ key }) => (untilMsByKey.get(key) ?? 0) > nowMs)?.tokens ?? 0
      const longest = (ttl?: '1h'): number =>
        marks.findLast((mark) => ttl === undefined || mark.ttl === ttl)?.tokens ?? 0
      const hourEnd = Math.max(read, longest('1h'))
      const cachedEnd = Math.max(hourEnd, longest())
      for (const { key, ttl } of marks) {
        untilMsByKey.set(key, Math.max(nowMs + ttlMs[ttl], untilMsByKey.get(key) ?? 0))
      }
      return {
        inputTokens: total - cachedEnd,
        cacheReadTokens: read,
        cacheWrite1hTokens: hourEnd - read,
        cacheWrite5mTokens: cachedEnd - hourEnd,
      }
    },
  }
}
