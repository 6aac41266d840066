// What of an answer changes on its way down, one edit after the other: the one place where they are put together.
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { Permit } from '../authorize/permit.ts'
import { holdsAddress, redirectAddresses } from '../upstream/own-addresses.ts'
import type { AnswerEdit } from './edited-answer.ts'

/** Chooses the edit of an answer before it comes; null for nearly all, which then stream through untouched. */
export type EditAnswer = (permit: Permit, request: IncomingMessage) => AnswerEdit | null

/** Makes one choice of several. Each edit sees what the one before it made of the answer; one that rejects ends them. */
export function createAnswerEdits(choices: readonly EditAnswer[]): EditAnswer {
  return (permit, request) => {
    const edits = choices.flatMap((choose) => choose(permit, request) ?? [])
    const [first, ...more] = edits
    if (first === undefined) return null
    if (more.length === 0) return first
    return async (head, body) => {
      let edited = await first(head, body)
      for (const edit of more) edited = await edit(head, edited)
      return edited
    }
  }
}

export type RedirectDeps = {
  /** Where the upstreams are; addresses elsewhere stay as they are. */
  readonly origins: ReadonlySet<string>
  /** Where callers reach this gateway; null: wherever the request reached it. */
  readonly publicUrl: string | null
}

/** Makes the edit that keeps callers from being led past the gateway by an address in an answer. */
export function createRedirectAnswers({ origins, publicUrl }: RedirectDeps): EditAnswer {
  return ({ operation }, request) => {
    if (!holdsAddress(operation.id)) return null
    const origin = publicUrl ?? originOf(request)
    return ({ status, contentEncoding }, body) => {
      if (status < 200 || status > 299 || body.length === 0) return body
      // It was asked for in the plain; what cannot be read may hold an address, and does not pass.
      if (!/^(?:identity)?$/i.test(contentEncoding)) throw new Error('the answer came compressed')
      return redirectAddresses(operation.id, body, origins, origin)
    }
  }
}

/** Where this request found the gateway: its Host, or the socket's own address when it says nothing usable. */
function originOf({ headers: { host }, socket }: IncomingMessage): string {
  const scheme = socket instanceof TLSSocket ? 'https' : 'http'
  if (host !== undefined && /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host)) {
    const named = `${scheme}://${host}`
    if (URL.canParse(named)) return named
  }
  const { localAddress = '127.0.0.1', localPort } = socket
  const address = localAddress.includes(':') ? `[${localAddress}]` : localAddress
  return `${scheme}://${address}:${localPort}`
}
