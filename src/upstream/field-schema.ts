// The fields that several upstream objects share, read so that a surprise in one never loses the object.
import { z } from 'zod'

/** Nothing the ledger keeps of an object is longer; a longer line than the journal takes would be lost whole. */
const charsMax = 1_024

/** An identifier: present, and short enough to be kept as it is. */
export const identifier = z.string().min(1).max(charsMax)

/** A string, cut to 1,024 characters; anything else reads as ''. Absence is ordinary, so it must not cost a caught error: `nullish` first. */
export const word = z
  .string()
  .nullish()
  .transform((text) => (text ?? '').slice(0, charsMax))
  .catch('')

/** A point in time (ISO 8601) as the upstream wrote it; null when absent or not a time: a queued event has none. */
export const timestamp = z.iso.datetime({ offset: true }).max(64).nullable().catch(null)

const configured = z.object({ id: word, speed: word, inference_geo: word })

/** A model with its configuration; agents carry an object, an advisor only the bare id. */
export const model = z
  .union([
    configured,
    z.string().transform((id) => ({ id: id.slice(0, charsMax), speed: '', inference_geo: '' })),
  ])
  .catch({ id: '', speed: '', inference_geo: '' })
