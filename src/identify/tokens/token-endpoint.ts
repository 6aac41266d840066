// `POST /v1/oauth/token` as the SDK's workload identity calls it: an issuer's token in, a short-lived one of ours out
// (RFC 7523 over RFC 6749). What was wrong with a refused assertion is for the log, not for whoever sent it.
import { z } from 'zod'
import type { Denial } from '../../kernel/errors.ts'
import { tokenLengthMax } from './assertion.ts'
import type { Tokens } from './tokens.ts'

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Longest body read: the assertion, and room for the fields around it. */
const bodyBytesMax = 2 * tokenLengthMax

type Answer = { readonly status: number; readonly body: object }

export type TokenEndpointDeps = {
  readonly tokens: Pick<Tokens, 'exchange' | 'hasIssuers'>
  /** Told why an assertion was refused. */
  readonly onRefused: (denial: Denial) => void
}

// The SDK names its federation rule, organisation and workspace too; here the directory alone decides these.
const requestSchema = z.looseObject({ grant_type: z.string(), assertion: z.string().optional() })

/**
 * Makes the endpoint. The same assertion may be exchanged again until it ends: the SDK does so at every refresh, and
 * whoever holds it could as well send it as the bearer itself. What is minted ends with it, unless the issuer's entry
 * says otherwise.
 */
export function createTokenEndpoint({ tokens, onRefused }: TokenEndpointDeps) {
  return async (body: Buffer, contentType: string): Promise<Answer> => {
    if (!tokens.hasIssuers()) return notFound
    const request = body.length > bodyBytesMax ? null : readRequest(body.toString('utf8'), contentType)
    if (request === null)
      return fault(400, 'invalid_request', 'the body is neither one JSON object nor one form')
    if (request.grant_type !== grant)
      return fault(400, 'unsupported_grant_type', `only \`${grant}\` is known here`)
    if (request.assertion === undefined) return fault(400, 'invalid_request', '`assertion` is missing')
    const minted = await tokens.exchange(request.assertion)
    if (!('kind' in minted)) {
      const { token, lifetimeSeconds } = minted
      return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: lifetimeSeconds } }
    }
    onRefused(minted)
    return minted.code === 'identify.keys_unavailable'
      ? fault(503, 'temporarily_unavailable', minted.message)
      : fault(400, 'invalid_grant', assertionRefused)
  }
}

const assertionRefused =
  'the assertion is not accepted here; whoever runs this gateway finds the reason in its log'

const notFound: Answer = {
  status: 404,
  body: {
    type: 'error',
    error: {
      type: 'not_found_error',
      message: 'this gateway exchanges no tokens: its directory names no issuer',
    },
  },
}

const fault = (status: number, error: string, description: string): Answer => ({
  status,
  body: { error, error_description: description },
})

function readRequest(text: string, contentType: string): z.output<typeof requestSchema> | null {
  const type = contentType.split(';')[0]?.trim().toLowerCase()
  const value = type === 'application/x-www-form-urlencoded' ? readForm(text) : readJson(text)
  return requestSchema.safeParse(value).data ?? null
}

function readForm(text: string): unknown {
  const fields = [...new URLSearchParams(text)]
  const form = Object.fromEntries(fields)
  // A field sent twice is an error (RFC 6749, 3.2).
  return Object.keys(form).length === fields.length ? form : null
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
