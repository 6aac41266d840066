// The Content-Disposition of a form part, in the dialects that browsers, undici, curl and httpx write, and of a download.

import { invalidRequest } from '../http/api-error.ts'

// Browsers escape the three characters that would end a quoted string or a line, and nothing else.
const escapes: Readonly<Record<string, string>> = { '%22': '"', '%0D': '\r', '%0A': '\n' }

const unquote = (text: string): string =>
  text
    .replace(/\\(["\\])/g, '$1')
    .replace(/%(?:22|0D|0A)/gi, (written) => escapes[written.toUpperCase()] ?? written)

function parameterOf(header: string, name: string): string | null {
  const [, quoted, bare] =
    new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'is').exec(header) ?? []
  return quoted === undefined ? (bare ?? null) : unquote(quoted)
}

/** The names of a part. Throws a 400 when it is not `form-data` with a name. */
export function parseDisposition(header: string | undefined): {
  readonly name: string
  readonly filename: string | null
} {
  const name = /^form-data\s*;/i.test(header ?? '') ? parameterOf(header ?? '', 'name') : null
  if (name === null) throw invalidRequest('a part needs `content-disposition: form-data` with a name')
  return { name, filename: parameterOf(header ?? '', 'filename') }
}

/** The header of a download: a plain name for old readers, the real one for the others (RFC 6266). */
export function attachmentNamed(filename: string): string {
  const plain = filename.replace(/[^\x20-\x7e]|["\\]/g, '_')
  const exact = encodeURIComponent(filename).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16)}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`
}
