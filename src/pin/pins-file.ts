// policies/pins.yaml -> Pins: which agents, teams and environments are sensitive, and which versions are approved.
// Strict: what is not understood is refused with file, line and reason, never ignored.
import { basename } from 'node:path'
import { z } from 'zod'
import { openYaml } from '../kernel/yaml-source.ts'

/** `require` is the stricter: it refuses what `force` would rewrite. */
export type PinMode = 'force' | 'require'

/** One entry of `sensitive`. `rule` names it for people: `pins.yaml:12 agent agent_x`. */
export type PinEntry = { readonly mode: PinMode; readonly rule: string }

/** The file's content, ready to be asked. Where several entries name one thing, the strictest is kept. */
export type Pins = {
  /** Agent id -> approved versions in the order of the file; `force` writes the last. */
  readonly approved: ReadonlyMap<string, readonly number[]>
  readonly agents: ReadonlyMap<string, PinEntry>
  readonly teams: ReadonlyMap<string, PinEntry>
  readonly environments: ReadonlyMap<string, PinEntry>
}

const name = z.string('must be a name').regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be a plain id, without spaces')
const version = z.int('must be a version number').min(1, 'must be a version number, from 1')
const mode = z.enum(['force', 'require'], 'must be `force` or `require`')
const sensitiveEntry = z
  .strictObject({ agent: name.optional(), team: name.optional(), environment: name.optional(), mode })
  .refine((entry) => Object.keys(entry).length === 2, 'must name one of `agent`, `team`, `environment`')

const fileSchema = z
  .strictObject({
    approved: z
      .record(name, z.array(version).min(1, 'must list a version; leave the agent out if none is approved'))
      .nullish(),
    sensitive: z.array(sensitiveEntry).nullish(),
  })
  .nullable()

/**
 * Parses the text of pins.yaml; an empty file is valid and marks nothing. Throws `PolicyFileError` with the line
 * on YAML errors, unknown or missing keys, an entry that names none or several of agent, team and environment,
 * versions that are not whole numbers from 1, or a version listed twice.
 */
export function parsePins(text: string, file: string): Pins {
  const source = openYaml(text, file)
  const parsed = fileSchema.safeParse(source.value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return source.fail(issue?.path ?? [], issue?.message ?? 'is not valid')
  }
  const approved = new Map(Object.entries(parsed.data?.approved ?? {}))
  for (const [agentId, versions] of approved) {
    if (new Set(versions).size < versions.length) {
      source.fail(['approved', agentId], 'lists a version twice; list each once, the newest last')
    }
  }
  const agents = new Map<string, PinEntry>()
  const teams = new Map<string, PinEntry>()
  const environments = new Map<string, PinEntry>()
  for (const [index, entry] of (parsed.data?.sensitive ?? []).entries()) {
    const add = (entries: Map<string, PinEntry>, what: string, id: string | undefined): void => {
      if (id === undefined) return
      const rule = `${basename(file)}:${source.lineOf(['sensitive', index])} ${what} ${id}`
      entries.set(id, strictest(entries.get(id), { mode: entry.mode, rule }))
    }
    add(agents, 'agent', entry.agent)
    add(teams, 'team', entry.team)
    add(environments, 'environment', entry.environment)
  }
  return { approved, agents, teams, environments }
}

/** The entry that decides: `require` before `force`, and among equals the first. */
export function strictest(first: PinEntry | undefined, second: PinEntry): PinEntry {
  return first === undefined || (first.mode === 'force' && second.mode === 'require') ? second : first
}
