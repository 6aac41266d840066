// Who created what: read when neither memory nor the object itself says whose it is.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sql = readFileSync(new URL('./object-owners.sql', import.meta.url), 'utf8')

/** Ids per statement: keeps the parameter small and the statement fast. */
const idsMax = 500

const rowSchema = z.object({ object_id: z.string(), team: z.string(), caller: z.string() })

/** Team and caller of each of these objects whose creation was seen, by id. Rejects with what the ledger throws. */
export async function queryObjectOwners(
  ledger: Ledger,
  kind: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, { readonly team: string; readonly caller: string }>> {
  const found = new Map<string, { readonly team: string; readonly caller: string }>()
  for (let start = 0; start < ids.length; start += idsMax) {
    const rows = await ledger.query(sql, { kind, ids: ids.slice(start, start + idsMax) })
    for (const { object_id, team, caller } of z.array(rowSchema).parse(rows))
      found.set(object_id, { team, caller })
  }
  return found
}
