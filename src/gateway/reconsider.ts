// What is decided of a request that pins or policy stop, or that names what its caller may not see: nothing of it may tell
// that an object of others is there, or what the pins say of it.
import { maskBody } from '../authorize/ownership/mask.ts'
import type { Permit } from '../authorize/permit.ts'
import type { Denial } from '../kernel/errors.ts'
import type { PinRequest } from '../pin/pin.ts'
import type { PinOutcome } from '../pin/pin-outcome.ts'

type Body = { readonly body: Buffer | null; readonly parsed: unknown }

export type Reconsidered = PinRequest & {
  readonly pin: (request: PinRequest) => PinOutcome | Promise<PinOutcome>
  /** What policy says of a body. */
  readonly decide: (body: Body) => Permit | Denial | Promise<Permit | Denial>
  readonly readForced: (body: Buffer) => Body
}

/**
 * Asks policy about the request as it came, and where that names hidden objects, the pins about it with ids that name
 * nothing: what is left is what it would be of objects that never were. `first` is what the pins said of the request as it
 * came, and `decided` what policy said of what they made of it.
 */
export async function reconsider(
  request: Reconsidered,
  first: PinOutcome,
  decided: Permit | Denial,
): Promise<{ readonly pin: PinOutcome; readonly decision: Permit | Denial }> {
  const plain = await request.decide(request)
  if ('kind' in plain) return { pin: first, decision: plain }
  const { masks, capabilities, policyHash } = plain
  const judged = { capabilities, policyHash }
  if (masks.length === 0) {
    return { pin: first, decision: first.kind === 'denied' ? { ...first.denial, judged } : decided }
  }
  const substitutes = new Map(masks.map(({ id, substitute }) => [id, substitute]))
  const params = Object.fromEntries(
    Object.entries(request.params).map(([name, id]) => [name, substitutes.get(id) ?? id]),
  )
  const body = request.body === null ? null : maskBody(request.body, masks)
  const parsed =
    body === null || request.parsed === undefined ? request.parsed : request.readForced(body).parsed
  const masked = await request.pin({ ...request, params, body, parsed })
  if (masked.kind === 'denied') {
    const named = (text: string): string =>
      masks.reduce((said, { id, substitute }) => said.replaceAll(substitute, id), text)
    const { denial } = masked
    return { pin: masked, decision: { ...denial, message: named(denial.message), judged } }
  }
  if (masked.kind === 'open' || masked.body === null) return { pin: masked, decision: plain }
  const back = masks.map(({ kind, id, substitute }) => ({ kind, id: substitute, substitute: id }))
  return { pin: masked, decision: await request.decide(request.readForced(maskBody(masked.body, back))) }
}
