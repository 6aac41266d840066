// The models of the stand-in, most recently released first, with what each of them can do
// (SDK 1.12.0 resources/beta/models; the ids are those of its `Model` union).

/** What decides a model's answers: its line, its generation, and its limits. */
export type CatalogModel = {
  readonly id: string
  /** Another id that requests may use for it. */
  readonly alias: string | null
  readonly displayName: string
  readonly line: 'haiku' | 'sonnet' | 'opus' | 'fable' | 'mythos'
  /** 4.5, 4.6, ... 5.5: capabilities grow with it. */
  readonly generation: number
  readonly createdAt: string
  readonly lifecycle: 'active' | 'deprecated' | 'retired'
  readonly deprecatedAt: string | null
  readonly retiresAt: string | null
  readonly inputTokensMax: number
  readonly outputTokensMax: number
  /** Models that may answer in its place. */
  readonly fallbacks: readonly string[]
}

type Row = readonly [id: string, line: CatalogModel['line'], generation: number, releasedOn: string]

// Release days that the documentation does not state are the stand-in's own; only their order is real.
const rows: readonly Row[] = [
  ['claude-fable-5-2', 'fable', 5.2, '2026-11-09'],
  ['claude-mythos-5-2', 'mythos', 5.2, '2026-11-09'],
  ['claude-haiku-5-5', 'haiku', 5.5, '2026-10-05'],
  ['claude-sonnet-5-5', 'sonnet', 5.5, '2026-09-22'],
  ['claude-fable-5-1', 'fable', 5.1, '2026-09-08'],
  ['claude-opus-5-5', 'opus', 5.5, '2026-09-01'],
  ['claude-mythos-5-1', 'mythos', 5.1, '2026-08-25'],
  ['claude-sonnet-5', 'sonnet', 5, '2026-08-04'],
  ['claude-fable-5', 'fable', 5, '2026-07-21'],
  ['claude-mythos-5', 'mythos', 5, '2026-07-14'],
  ['claude-opus-5', 'opus', 5, '2026-07-07'],
  ['claude-opus-4-8', 'opus', 4.8, '2026-05-28'],
  ['claude-opus-4-7', 'opus', 4.7, '2026-04-16'],
  ['claude-mythos-preview', 'mythos', 4.7, '2026-04-07'],
  ['claude-sonnet-4-6', 'sonnet', 4.6, '2026-02-17'],
  ['claude-opus-4-6', 'opus', 4.6, '2026-02-05'],
  ['claude-opus-4-5-20251101', 'opus', 4.5, '2025-11-24'],
  ['claude-haiku-4-5-20251001', 'haiku', 4.5, '2025-10-15'],
  ['claude-sonnet-4-5-20250929', 'sonnet', 4.5, '2025-09-29'],
  ['claude-3-7-sonnet-20250219', 'sonnet', 3.7, '2025-02-24'],
]

const midnight = (day: string): string => `${day}T00:00:00Z`

/** The days of a model's end: deprecation and retirement. */
const endings: ReadonlyMap<string, Pick<CatalogModel, 'lifecycle' | 'deprecatedAt' | 'retiresAt'>> = new Map([
  [
    'claude-sonnet-4-5-20250929',
    // Retirement day: SDK 1.12.0 resources/messages/messages `DEPRECATED_MODELS`.
    { lifecycle: 'deprecated', deprecatedAt: midnight('2026-06-30'), retiresAt: midnight('2026-11-30') },
  ],
  [
    'claude-3-7-sonnet-20250219',
    { lifecycle: 'retired', deprecatedAt: midnight('2025-10-28'), retiresAt: midnight('2026-02-19') },
  ],
])

const active = { lifecycle: 'active', deprecatedAt: null, retiresAt: null } as const

const fallbacks: ReadonlyMap<string, readonly string[]> = new Map([
  ['claude-fable-5-2', ['claude-opus-5-5', 'claude-opus-5']],
  ['claude-fable-5-1', ['claude-opus-5-5', 'claude-opus-5']],
  ['claude-mythos-5-2', ['claude-opus-5-5']],
  ['claude-mythos-5-1', ['claude-opus-5-5']],
])

const capitalized = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`

function toModel([id, line, generation, releasedOn]: Row): CatalogModel {
  const version = id.includes('preview') ? 'Preview' : `${generation}`
  return {
    id,
    alias: /^claude-[a-z]+-\d-\d-\d{8}$/.test(id) ? id.slice(0, -9) : null,
    displayName: `Claude ${capitalized(line)} ${version}`,
    line,
    generation,
    createdAt: midnight(releasedOn),
    ...(endings.get(id) ?? active),
    inputTokensMax: generation >= 4.6 ? 1_000_000 : 200_000,
    outputTokensMax: generation >= 4.6 && line !== 'haiku' ? 128_000 : 64_000,
    fallbacks: fallbacks.get(id) ?? [],
  }
}

/** Every model, retired ones too, most recently released first. */
export const catalog: readonly CatalogModel[] = rows.map(toModel)

/** The model of an id or an alias; undefined when there is none. */
export const findModel = (id: string): CatalogModel | undefined =>
  catalog.find((model) => model.id === id || model.alias === id)
