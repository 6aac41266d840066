// Files that are looked at again and again: loaded when they changed, and never half of one moment and half of another.
import { PolicyFileError } from './kernel/errors.ts'

/** What one look found. `isNew`: it was not the problem before. */
export type Look<Value> =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'taken'; readonly value: Value }
  | { readonly kind: 'refused'; readonly error: unknown; readonly problem: string; readonly isNew: boolean }

/**
 * What is loaded anew whenever its signature differs from that of the last look, or when it must be. `problem` is why the last load failed,
 * null when it did not. Neither rejects unless `sign` does.
 */
export function createWatched<Value>(
  sign: () => Promise<string>,
  load: () => Promise<Value>,
): { readonly look: (isForced: boolean) => Promise<Look<Value>>; readonly problem: () => string | null } {
  let seen: string | null = null
  let problem: string | null = null
  const look = async (isForced: boolean): Promise<Look<Value>> => {
    const now = await sign()
    if (now === seen && !isForced) return { kind: 'unchanged' }
    const isFirst = seen === null
    seen = now
    try {
      const value = await load()
      // Somebody is still writing: files of two moments are nobody's policy. The next look takes them.
      if (!isFirst && (await sign()) !== now) return { kind: 'unchanged' }
      problem = null
      return { kind: 'taken', value }
    } catch (error) {
      const found =
        error instanceof PolicyFileError ? error.message : `policies cannot be loaded (${codeOf(error)})`
      // What is wrong stays wrong until it changes; what could not be read (too many open files, say) may be readable
      // at the next look, and must not wait for another change: it may be a revocation.
      if (!(error instanceof PolicyFileError && error.line > 0)) seen = ''
      const isNew = found !== problem
      problem = found
      return { kind: 'refused', error, problem: found, isNew }
    }
  }
  return { look, problem: () => problem }
}

/** The code of a system error, else its sentence. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error ? String(error.code) : error.message
  return 'unknown'
}
