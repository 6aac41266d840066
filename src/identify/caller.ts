// Who is calling, as every later room sees it.

/** An identified caller. Plain data, safe to log: it holds no credential. */
export type Caller = {
  /** Unique in `directory.yaml`, e.g. `ci-payments`. */
  readonly id: string
  readonly team: string
  /** Role names as the policy writes them, without prefix: `developer`, `admin`. */
  readonly roles: readonly string[]
  /** The public part of the key that was used; for a token, the id of its issuer. */
  readonly keyId: string
  readonly costCentre: string
  /** How it identified itself. */
  readonly via: 'key' | 'jwt' | 'token' | 'certificate'
  /** Who the issuer says it is (`sub`, SPIFFE id), '' for keys. */
  readonly subject: string
  /** Actions its credential is limited to, in the policy's words (`session.*`); null: whatever policy allows. */
  readonly scopes: readonly string[] | null
  /** When its credential ends; null when that is not bounded. */
  readonly expiresMs: number | null
  /** True when it also sent a bearer of the upstream's own, to be passed through where policy allows. */
  readonly bringsUpstreamBearer: boolean
  /**
   * What the policy grants its roles to, when that is not its id: callers that a rule makes of claims are not listed in
   * the directory, and nobody can list them. Those of one team with the same roles share it.
   */
  readonly policyName?: string
}
