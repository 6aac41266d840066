// What pins.yaml may say, word for word, before anything is made of it.
import { z } from 'zod'
import { fourEyes, modes, requirementNames } from './pins.ts'

const dayMs = 86_400_000

const id = z.string('must be an id').regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be a plain id, without spaces')
const className = z
  .string('must be the name of a class')
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'must be a name in lower case, without spaces')
/** Any printable text, with `*` for any part of it. */
const pattern = z
  .string('must be a name')
  .regex(/^[^\p{Cc}]{1,512}$/u, 'must be a name of 1 to 512 characters')
const version = z.int('must be a version number').min(1, 'must be a version number, from 1')
const hash = z
  .string('must be `sha256:` and 64 hex digits')
  .regex(/^sha256:[0-9a-f]{64}$/, 'must be `sha256:` and 64 hex digits in lower case')
const note = z.string('must be a text').max(256, 'must be 256 characters at most')
const date = z
  .string('must be a date such as 2026-11-23')
  .regex(
    /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/,
    'must be a date such as 2026-11-23 or 2026-11-23T16:00:00Z',
  )
  .transform((text, context) => {
    const ms = Date.parse(text)
    // 31 February is no date, whatever JavaScript makes of it.
    if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text.slice(0, 10)) {
      context.addIssue({ code: 'custom', message: 'is no date of the calendar' })
    }
    return ms
  })
const unitMs: { readonly [unit: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000, d: dayMs }
const duration = z
  .string('must be a time such as 24h')
  .regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a time such as 30m, 24h or 7d')
  .transform((text) => Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? 0))

const modeWords = `must be ${modes.map((name) => `\`${name}\``).join(', ')}`
const mode = z.enum(modes, modeWords)
const requirement = z.union(
  [mode, z.strictObject({ mode, allow: z.array(z.string('must be a name').min(1).max(256)).default([]) })],
  `${modeWords}, or an object with \`mode\` and \`allow\``,
)
const requirements = z.partialRecord(z.enum(requirementNames), requirement)

const sensitivity = z.strictObject({
  agent: pattern.optional(),
  agent_name: pattern.optional(),
  team: pattern.optional(),
  environment: pattern.optional(),
  vault: pattern.optional(),
  memory_store: pattern.optional(),
  repository: pattern.optional(),
  metadata: z
    .record(
      z.string().regex(/^[^=\p{Cc}]{1,64}$/u, 'must be a key without `=`'),
      z.string('must be a text; put it in quotes').max(512),
    )
    .refine((pairs) => Object.keys(pairs).length === 1, 'must name one key and its value')
    .optional(),
  class: className,
})

const approval = z.union(
  [
    version,
    z.strictObject({
      version,
      config: hash.optional(),
      by: note.optional(),
      ticket: note.optional(),
      on: date.optional(),
      expires: date.optional(),
    }),
  ],
  'must be a version number from 1, or an object with `version`, `config`, `by`, `ticket`, `on`, `expires`',
)
export type WrittenApproval = z.output<typeof approval>

const share = z.number('must be a number from 0 to 1').min(0).max(1)
const factor = z.number('must be a factor, from 1').min(1, 'must be a factor, from 1')
const bounds = z.strictObject({
  sessions: z.int('must be a count of sessions').min(1, 'must be a count of sessions, from 1'),
  window: duration,
  error_rate: share.optional(),
  denial_rate: share.optional(),
  cost_per_session: factor.optional(),
  median_running_time: factor.optional(),
})

const rollout = z.strictObject({
  stable: version,
  canary: version.optional(),
  percent: z
    .number('must be a percentage')
    .min(0, 'must be 0 to 100')
    .max(100, 'must be 0 to 100')
    .optional(),
  by: z
    .string('must be `caller`, `team` or `metadata.<key>`')
    .regex(/^(caller|team|metadata\..{1,64})$/, 'must be `caller`, `team` or `metadata.<key>`')
    .optional(),
  always: z.array(pattern).optional(),
  hold: z.boolean('must be true or false').optional(),
  released: date.optional(),
  bounds: bounds.optional(),
})

/** The whole file; every part may be left out or empty. */
export const pinsText = z
  .strictObject({
    default: className.nullish(),
    four_eyes: z.enum(fourEyes, `must be ${fourEyes.map((name) => `\`${name}\``).join(', ')}`).nullish(),
    classes: z.record(className, requirements.nullable()).nullish(),
    sensitivity: z.array(sensitivity).nullish(),
    approved: z
      .record(id, z.array(approval).min(1, 'must list a version; leave the agent out if none is approved'))
      .nullish(),
    rejected: z.record(id, z.array(version)).nullish(),
    rollouts: z.record(id, rollout).nullish(),
    environments: z
      .record(id, z.strictObject({ config: hash, by: note.optional(), on: date.optional() }))
      .nullish(),
    commits: z
      .record(
        z
          .string()
          .regex(
            /^https:\/\/github\.com\/[^/\s]+\/[^/\s]+$/,
            'must be https://github.com/<owner>/<repository>',
          ),
        // Digits alone, or with one `e`, are a number to YAML.
        z
          .string('must be a commit: put its 40 hex digits in quotes')
          .regex(/^[0-9a-f]{40}$/, 'must be a commit: 40 hex digits in lower case'),
      )
      .nullish(),
  })
  .nullable()
export type PinsText = NonNullable<z.output<typeof pinsText>>
