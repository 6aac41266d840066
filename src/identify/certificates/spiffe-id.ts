// SPIFFE ids, `spiffe://trust.domain/path`, read as strictly as the standard lets one: no two texts name one workload.

export type SpiffeId = {
  readonly trustDomain: string
  /** Begins with `/`; never ends with one. */
  readonly path: string
}

/** A trust domain as the standard spells it. */
export const trustDomainPattern = /^[a-z0-9._-]{1,255}$/

const idPattern = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/
const textMax = 2048

/**
 * The id of a workload; null for everything else, which includes a trust domain's own id (it has no path), capitals in
 * scheme or domain, ports, queries, percent-encoding, and segments that are empty, `.` or `..`.
 */
export function parseSpiffeId(text: string): SpiffeId | null {
  const [, trustDomain, path] = (text.length <= textMax ? idPattern.exec(text) : null) ?? []
  if (trustDomain === undefined || path === undefined) return null
  return path.split('/').some((segment) => segment === '.' || segment === '..') ? null : { trustDomain, path }
}
