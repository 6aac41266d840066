// The rules for paths of memories (SDK 1.12.0 MemoryCreateParams.path).

import { z } from 'zod'

const bytesMax = 1024
const segmentsMax = 20

/** What is wrong with a path; null when nothing is. */
function faultOf(path: string): string | null {
  const segments = path.split('/').slice(1)
  if (!path.startsWith('/')) return 'must start with `/`'
  if (Buffer.byteLength(path) > bytesMax) return `must be at most ${bytesMax} bytes`
  if (segments.length > segmentsMax) return `must have at most ${segmentsMax} segments`
  if (segments.includes('')) return 'must not have an empty segment'
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    return 'must not have a segment `.` or `..`'
  }
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(path)) {
    return 'must not have control, format or line separator characters'
  }
  return path === path.normalize('NFC') ? null : 'must be in Unicode Normalization Form C'
}

/** A memory's path in a request body. */
export const memoryPath = z.string().superRefine((path, context) => {
  const message = faultOf(path)
  if (message !== null) context.addIssue({ code: 'custom', message })
})

/** Whether two paths cannot stand beside each other: the same, or one an ancestor of the other. */
export const overlaps = (a: string, b: string): boolean =>
  a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
