// Why a token is refused: a public sentence that helps nobody guess, and a reason for the log.
import type { Denial } from '../../kernel/errors.ts'

type TokenCode = 'identify.token_refused' | 'identify.credential_expired' | 'identify.keys_unavailable'

const sentences: { readonly [code in TokenCode]: string } = {
  'identify.token_refused':
    'the token is not accepted here; whoever runs this gateway finds the reason in its log and audit',
  'identify.credential_expired': 'the token has expired; ask its issuer for a new one',
  'identify.keys_unavailable':
    'the token cannot be checked now: the keys of its issuer are not to be had; try again shortly',
}

/** `reason` goes to audit and log only, through the denial's rule. `issuer` is '' while none is known. */
export function refuseToken(
  issuer: string,
  reason: string,
  code: TokenCode = 'identify.token_refused',
): Denial {
  const where = issuer === '' ? 'token' : `directory.yaml issuer ${issuer}`
  return { kind: 'denial', code, message: sentences[code], rule: `${where}: ${reason}` }
}
