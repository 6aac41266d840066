// The complete gateway, as an operator starts it: identity, permission, pins, metering, journal and
// the embedded ledger, as the three processes it is.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, root, startProgram } from '../machine/programs.ts'
import { pinnedAgent } from './messages.ts'

export type Tollgate = { readonly url: string; readonly key: string; readonly program: Program }

/** Everything it keeps is under `folder`. With `otlpUrl`, every span is exported there. */
export async function startTollgate(options: {
  readonly folder: string
  readonly core: number
  readonly upstreamUrl: string
  readonly otlpUrl?: string
  readonly descriptors?: number
}): Promise<Tollgate> {
  const { folder, upstreamUrl, otlpUrl, ...place } = options
  const program = startProgram({
    name: 'tollgate',
    ...place,
    // The options of `npm start`.
    command: [process.execPath, '--max-semi-space-size=64', join(root, 'bin/tollgate.mjs'), 'start'],
    env: {
      ...foldersOf(folder),
      TOLLGATE_LISTEN: '127.0.0.1:0',
      // What it reads by itself is another figure.
      TOLLGATE_WATCH: 'off',
      TOLLGATE_ADMIN_LISTEN: '127.0.0.1:0',
      TOLLGATE_UPSTREAM_URL: upstreamUrl,
      // The upstream here asks for none; the gateway does.
      ANTHROPIC_API_KEY: 'benchmark',
      ...(otlpUrl === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlpUrl }),
    },
  })
  // The snippet to paste comes last, so by then all of it has been said.
  await program.says(/usage --group-by/)
  const found = (pattern: RegExp): string => pattern.exec(program.output())?.[1] ?? ''
  return { url: found(/gateway\s+(http:\S+)/), key: found(/\n {2}(tg_live_\w+)\n/), program }
}

/** Where one gateway keeps its things: the shipped policies, and one agent that may only run at its approved version. */
export function foldersOf(folder: string): { readonly [name: string]: string } {
  const policiesDir = join(folder, 'policies')
  mkdirSync(folder, { recursive: true })
  cpSync(join(root, 'policies'), policiesDir, {
    recursive: true,
    filter: (path) => !path.endsWith('directory.yaml'),
  })
  const { id, version } = pinnedAgent
  writeFileSync(
    join(policiesDir, 'pins.yaml'),
    `classes: { sensitive: { explicit_version: force, approved_version: force, no_overrides: require } }\nsensitivity:\n  - { agent: ${id}, class: sensitive }\napproved:\n  ${id}: [${version}]\n`,
  )
  return { TOLLGATE_DATA_DIR: join(folder, 'data'), TOLLGATE_POLICIES_DIR: policiesDir }
}
