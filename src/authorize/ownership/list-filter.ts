// Lists show a caller its own things and what is shared with it: everything else is cut out of the answer's text, and
// no other byte changes. Cursors stay, so an empty page still leads to the next one.
import { isUtf8 } from 'node:buffer'
import { TollgateError } from '../../kernel/errors.ts'
import { cutElements, elementSpans } from '../../upstream/element-spans.ts'
import { memberSpans } from '../../upstream/member-spans.ts'
import { type OwnedKindFacts, ownedByList } from '../../upstream/owned-kinds.ts'
import type { Permit } from '../permit.ts'
import type { Snapshot } from '../snapshot.ts'
import { readOnFromIdPage, withIdsOf } from './id-pages.ts'
import { unmask } from './mask.ts'
import { memberOf, textOf } from './owner.ts'
import type { Owners, ReadUpstream } from './owners.ts'
import { maySeeAll, standingOf, type Viewer } from './visibility.ts'

/** Changes an answer before anybody sees it. Rejects when it cannot tell what may be seen: then nothing is sent. */
export type AnswerChange = (head: { readonly status: number }, body: Buffer) => Buffer | Promise<Buffer>

export type ListFilterDeps = {
  readonly owners: Owners
  readonly readUpstream: ReadUpstream
  readonly snapshot: () => Snapshot
  readonly unownedTo: () => string | null
}

/** Makes the choice of what happens to an answer: null for nearly all, which then stream through untouched. */
export function createEditAnswer(deps: ListFilterDeps): (permit: Permit) => AnswerChange | null {
  return (permit) => {
    const { masks, caller, operation } = permit
    const viewer: Viewer = { caller, policy: deps.snapshot(), unownedTo: deps.unownedTo() }
    const facts = ownedByList.get(operation.id)
    const filter =
      facts === undefined || maySeeAll(viewer, 'read')
        ? null
        : (body: Buffer): Promise<Buffer> => filterList(deps, viewer, facts, permit.path, body)
    if (masks.length === 0) {
      return filter === null ? null : (head, body) => (head.status === 200 ? filter(body) : body)
    }
    return async (head, body) =>
      unmask(filter === null || head.status !== 200 ? body : await filter(body), masks)
  }
}

async function filterList(
  deps: ListFilterDeps,
  viewer: Viewer,
  facts: OwnedKindFacts,
  path: string,
  body: Buffer,
): Promise<Buffer> {
  if (!isUtf8(body)) throw unreadable()
  const isVisible = createIsVisible(deps, viewer, facts)
  const page = await filterPage(parsePage(body.toString('utf8')), isVisible)
  if (page.kept.length > 0) return toBytes(page)
  const further = await readOnFromIdPage(page.parsed, path, async (nextPath) => {
    const { status, text } = await deps.readUpstream(viewer.caller.team, nextPath, facts.betas)
    if (status !== 200) throw new TollgateError('ownership.unavailable')
    return filterPage(parsePage(text), isVisible)
  })
  return toBytes(further ?? page)
}

/** A page of the upstream, and which of its elements the caller may see. */
export type Page = {
  readonly text: string
  readonly parsed: unknown
  readonly data: readonly unknown[]
  /** Positions in `data`. */
  readonly kept: readonly number[]
}

type IsVisible = (objects: readonly unknown[]) => Promise<readonly boolean[]>

function createIsVisible({ owners }: ListFilterDeps, viewer: Viewer, { kind }: OwnedKindFacts): IsVisible {
  return async (objects) => {
    const found = await owners.askListed(viewer.caller.team, kind, objects)
    return objects.map((object, at) => {
      const owner = found[at] ?? 'unavailable'
      if (owner === 'unavailable') throw new TollgateError('ownership.unavailable')
      return standingOf(viewer, owner, kind, textOf(object, 'id') ?? '', 'read') === 'visible'
    })
  }
}

async function filterPage(page: Page, isVisible: IsVisible): Promise<Page> {
  const visible = await isVisible(page.data)
  return { ...page, kept: page.data.flatMap((_, at) => (visible[at] === true ? [at] : [])) }
}

function parsePage(text: string): Page {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw unreadable()
  }
  const data = memberOf(parsed, 'data')
  if (!Array.isArray(data)) throw unreadable()
  return { text, parsed, data, kept: [] }
}

function toBytes(page: Page): Buffer {
  const { text, data, kept } = page
  if (kept.length === data.length) return Buffer.from(text)
  const array = memberSpans(text).get('data')
  if (array === undefined) throw unreadable()
  const elements = elementSpans(text, array)
  // Counted differently by two readers, it is not what it seems.
  if (elements.length !== data.length) throw unreadable()
  const left = new Set(kept)
  const cut = cutElements(text, array, elements, (at) => left.has(at))
  return Buffer.from(
    withIdsOf(
      cut,
      kept.map((at) => textOf(data[at], 'id') ?? ''),
    ),
  )
}

const unreadable = (): TollgateError => new TollgateError('ownership.answer_unreadable')
