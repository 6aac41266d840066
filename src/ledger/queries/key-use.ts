// When each key was last used, as the exchanges tell it.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const row = z.object({ key_id: z.string(), last_used: z.string() })

/** One line for each key that was ever used, with the time of its latest request (RFC 3339, UTC). */
export async function readKeyUse(
  ledger: Pick<Ledger, 'query'>,
): Promise<readonly { readonly key_id: string; readonly last_used: string }[]> {
  const rows = await ledger.query(
    `SELECT key_id, formatDateTime(max(started_at), '%FT%TZ', 'UTC') AS last_used
     FROM tollgate.exchanges WHERE key_id != '' GROUP BY key_id ORDER BY key_id`,
  )
  return z.array(row).parse(rows)
}
