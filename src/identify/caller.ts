// Who is calling, as every later room sees it.

/** An identified caller. Plain data, safe to log: it holds no credential. */
export type Caller = {
  /** Unique in `directory.yaml`, e.g. `ci-payments`. */
  readonly id: string
  readonly team: string
  /** Role names as the policy writes them, without prefix: `developer`, `admin`. */
  readonly roles: readonly string[]
  /** The public part of the key that was used. */
  readonly keyId: string
  readonly costCentre: string
}
