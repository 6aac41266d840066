// One question or order to the admin listener, as every command asks it: the key from the environment or a file, refusals as sentences.
import { parseJson } from '../kernel/parse-json.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { errorAnswer } from './usage-answer.ts'

export type AdminOptions = { readonly url?: string; readonly keyFile?: string }

/**
 * The text that the admin listener answers on `path` with these query values.
 * Throws `CommandError` when the address or key cannot be used, nobody answers, or the answer is a refusal.
 */
export async function askAdmin(
  path: string,
  query: { readonly [name: string]: string | undefined },
  options: AdminOptions,
  io: CommandIo,
): Promise<string> {
  return (await openAdmin(path, query, options, io)).text()
}

/** The text that the admin listener answers to an order, a POST of this body; throws as `askAdmin`. */
export async function orderAdmin(
  path: string,
  order: object,
  options: AdminOptions,
  io: CommandIo,
): Promise<string> {
  return (await openAdmin(path, {}, options, io, JSON.stringify(order))).text()
}

/** The text that the admin listener answers to a DELETE; throws as `askAdmin`. */
export async function deleteAdmin(path: string, options: AdminOptions, io: CommandIo): Promise<string> {
  return (await openAdmin(path, {}, options, io, undefined, 'DELETE')).text()
}

/** The same answer, to be read as it comes. */
export async function openAdmin(
  path: string,
  query: { readonly [name: string]: string | undefined },
  options: AdminOptions,
  io: CommandIo,
  order?: string,
  method = order === undefined ? 'GET' : 'POST',
): Promise<Response> {
  const url = adminUrl(path, query, options, io)
  const key = readKey(options, io)
  let response: Response
  try {
    // Redirects are not followed: the key goes to the address that was named and to no other.
    response = await fetch(url, {
      headers: {
        authorization: `Bearer ${key}`,
        ...(order === undefined ? {} : { 'content-type': 'application/json' }),
      },
      redirect: 'error',
      method,
      ...(order === undefined ? {} : { body: order }),
    })
  } catch (cause) {
    throw new CommandError(
      `no admin listener answers at \`${url.origin}\` (${reasonOf(cause)}); is Tollgate running, and is --url right?`,
    )
  }
  if (response.ok) return response
  throw refusal(response, await response.text())
}

function adminUrl(
  path: string,
  query: { readonly [name: string]: string | undefined },
  options: AdminOptions,
  io: CommandIo,
): URL {
  const base = options.url ?? (io.env['TOLLGATE_ADMIN_URL'] || 'http://127.0.0.1:8788')
  if (!URL.canParse(path, base) || !/^https?:/.test(base)) {
    throw new CommandError(`\`${base}\` is not an http or https URL`, exitCodes.wrongUse)
  }
  const url = new URL(path, base)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url
}

function readKey({ keyFile }: AdminOptions, io: CommandIo): string {
  const key = (keyFile === undefined ? io.env['TOLLGATE_KEY'] : readKeyFile(keyFile, io))?.trim()
  if (!key)
    throw new CommandError('no key; set TOLLGATE_KEY or name a file with --key-file', exitCodes.wrongUse)
  // fetch would refuse it too, with the whole value in its message.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new CommandError('the key holds blanks or other characters no key has', exitCodes.wrongUse)
  }
  return key
}

function readKeyFile(path: string, io: CommandIo): string {
  try {
    return io.readFile(path)
  } catch {
    throw new CommandError(`cannot read the key file \`${path}\``, exitCodes.wrongUse)
  }
}

function refusal(response: Response, text: string): CommandError {
  const answer = errorAnswer.safeParse(parseJson(text))
  if (!answer.success) {
    return new CommandError(
      `\`${response.url.split('?')[0]}\` answered ${response.status}, and not as Tollgate's admin listener does`,
    )
  }
  const { error, request_id: requestId } = answer.data
  const sentence = `${error.message} (request ${requestId})`
  if (response.status === 401) return new CommandError(`the key was refused: ${sentence}`, exitCodes.refused)
  if (response.status === 403)
    return new CommandError(`the key may not do this: ${sentence}`, exitCodes.refused)
  if (response.status === 400) return new CommandError(sentence, exitCodes.wrongUse)
  return new CommandError(sentence)
}

/** `ECONNREFUSED` says more than fetch's own "fetch failed". */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  if (inner instanceof Error && 'code' in inner) return String(inner.code)
  return inner instanceof Error ? inner.message : 'unknown reason'
}
