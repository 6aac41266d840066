// One way for a request to reach the upstream. All of them are asked the same, in turn, within one run.

export type ArmName = 'direct' | 'nginx' | 'http-proxy' | 'tollgate' | 'tollgate + otlp'

export type Arm = {
  readonly name: ArmName
  /** Scheme, host and port. */
  readonly url: string
  /** Sent with every request; the gateway wants a caller key. */
  readonly headers: { readonly [name: string]: string }
  /** Process whose CPU and memory count, with its children; null for the direct way. */
  readonly pid: number | null
}
