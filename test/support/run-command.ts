// A `tollgate` command against a test house, as a person runs it: what it printed, and its exit code.
import { readFileSync } from 'node:fs'
import { runTollgate } from '../../src/cli/tollgate.ts'

export type Ran = { readonly code: number; readonly out: string; readonly err: string }

/** Runs it with a caller's key; the admin listener is the house's. */
export async function runCommand(
  house: { readonly adminUrl: string },
  key: string,
  args: readonly string[],
): Promise<Ran> {
  let [out, err] = ['', '']
  const code = await runTollgate(args, {
    env: { TOLLGATE_KEY: key, TOLLGATE_ADMIN_URL: house.adminUrl },
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    readFile: (path) => readFileSync(path, 'utf8'),
    untilStopped: async () => undefined,
  })
  return { code, out, err }
}
