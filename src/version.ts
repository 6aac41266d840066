// The version of this Tollgate, as package.json says it.
import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** package.json lies beside `src/` and `dist/` alike. */
const packageJson: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

export const tollgateVersion = z.object({ version: z.string() }).parse(packageJson).version
