// One way for a request to reach the upstream. All of them are asked the same, in turn, within one run.

export const armNames = ['direct', 'nginx', 'http-proxy', 'portkey', 'tollgate', 'tollgate + otlp'] as const

export type ArmName = (typeof armNames)[number]

export type Arm = {
  readonly name: ArmName
  /** Scheme, host and port. */
  readonly url: string
  /** Sent with every request; the gateways want a key or to be told where to. */
  readonly headers: { readonly [name: string]: string }
  /** Sent instead of a plain GET to open an event stream; unset: a GET. */
  readonly streamBody?: string
  /** Process whose CPU and memory count, with its children; null for the direct way. */
  readonly pid: number | null
}

/** True for the arms that are this gateway, and so are three processes. */
export function isTollgate({ name }: Pick<Arm, 'name'>): boolean {
  return name.startsWith('tollgate')
}
