// Who asks, wired: keys of the directory, tokens of its issuers, certificates of its workloads, and the token endpoint.
import type { TokenEndpoint } from './gateway/gateway.ts'
import { createCertificateDoor } from './identify/certificates/certificate-door.ts'
import type { Directory } from './identify/directory.ts'
import { createIdentify, createRecheck, type Identify, type Recheck } from './identify/identify.ts'
import { acceptOwnHeader } from './identify/own-header.ts'
import { fetchJwks } from './identify/tokens/fetch-jwks.ts'
import type { SigningKey } from './identify/tokens/signing-key.ts'
import { createTokenEndpoint } from './identify/tokens/token-endpoint.ts'
import { createTokens } from './identify/tokens/tokens.ts'
import type { Clock } from './kernel/clock.ts'
import type { Logger } from './kernel/logger.ts'
import type { Secret } from './kernel/secret.ts'

export type IdentityParts = {
  readonly directory: () => Directory
  readonly pepper: Secret
  readonly signingKey: SigningKey
  readonly policiesDir: string
  readonly streamLifetimeMs: number
  readonly clock: Clock
  readonly logger: Logger
}

export type Identity = {
  /** On the data plane, where a caller may also bring a bearer of the upstream beside its own key. */
  readonly identifyCaller: Identify
  /** On the admin listener. */
  readonly identifyOperator: Identify
  readonly recheck: Recheck
  readonly tokenEndpoint: TokenEndpoint
}

/** Wires the room. Opens no connection before a token of an issuer is shown. */
export function openIdentity(parts: IdentityParts): Identity {
  const { directory, pepper, clock, logger, streamLifetimeMs } = parts
  const tokens = createTokens({
    directory,
    clock,
    signingKey: parts.signingKey,
    policiesFolder: parts.policiesDir,
    fetchJwks,
    onProblem: (issuer, problem) => logger.warn({ issuer, problem }, 'keys of an issuer not renewed'),
  })
  const door = createCertificateDoor({ directory, clock })
  const identify = createIdentify({ directory, pepper, clock, tokens })
  return {
    identifyCaller: door.accept(acceptOwnHeader(identify)),
    identifyOperator: door.accept(identify),
    recheck: door.recheckWith(createRecheck({ directory, clock, tokens, streamLifetimeMs })),
    tokenEndpoint: createTokenEndpoint({
      tokens,
      onRefused: ({ code, rule }) => logger.warn({ code, rule }, 'token exchange refused'),
    }),
  }
}
