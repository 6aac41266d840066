// Lists show a caller its own things and what is shared with it: everything else is cut out of the answer's text, and
// no other byte changes. Pages are filled up with what follows.
import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import { TollgateError } from '../../kernel/errors.ts'
import { memberOf } from '../../kernel/own-member.ts'
import { cutElements, elementSpans } from '../../upstream/element-spans.ts'
import { memberSpans } from '../../upstream/member-spans.ts'
import { type OwnedKindFacts, ownedByList } from '../../upstream/owned-kinds.ts'
import type { Permit } from '../permit.ts'
import type { Snapshot } from '../snapshot.ts'
import { type Filled, fillPage, type Page, withMembers } from './fill-page.ts'
import { unmask } from './mask.ts'
import { textOf } from './owner.ts'
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
export function createEditAnswer(
  deps: ListFilterDeps,
): (permit: Permit, request: { readonly headers: IncomingHttpHeaders }) => AnswerChange | null {
  return (permit, { headers }) => {
    const { masks, caller, operation } = permit
    const viewer: Viewer = { caller, policy: deps.snapshot(), unownedTo: deps.unownedTo() }
    const facts = ownedByList.get(operation.id)
    const filter =
      facts === undefined || maySeeAll(viewer, 'read')
        ? null
        : (body: Buffer): Promise<Buffer> =>
            filterList(deps, viewer, facts, { path: permit.path, headers }, body)
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
  { path, headers }: Listing,
  body: Buffer,
): Promise<Buffer> {
  if (!isUtf8(body)) throw unreadable()
  const isVisible = createIsVisible(deps, viewer, facts)
  const page = await filterPage(parsePage(body.toString('utf8')), isVisible)
  if (page.kept.length === page.data.length) return body
  const betas = headers['anthropic-beta']
  const version = headers['anthropic-version']
  const asked =
    betas === undefined
      ? facts.betas
      : String(betas)
          .split(',')
          .map((beta) => beta.trim())
  const filled = await fillPage(page, path, async (nextPath) => {
    const { status, text } = await deps.readUpstream(
      viewer.caller.team,
      nextPath,
      asked,
      version === undefined ? undefined : String(version),
    )
    return status === 200 ? filterPage(parsePage(text), isVisible) : null
  })
  return toBytes(filled)
}

/** The request as it went up: further pages are asked in the same words. */
type Listing = { readonly path: string; readonly headers: IncomingHttpHeaders }

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

function toBytes({ frame, pages, cursors }: Filled): Buffer {
  const ids = pages.flatMap(({ data, kept }) => kept.map((at) => textOf(data[at], 'id') ?? ''))
  const edges = new Map<string, unknown>([
    ['first_id', ids.at(0) ?? null],
    ['last_id', ids.at(-1) ?? null],
  ])
  return Buffer.from(withMembers(withElements(frame, pages), new Map([...edges, ...cursors])))
}

/** The frame's text with the kept elements of all pages, each as it was written. */
function withElements(frame: Page, pages: readonly Page[]): string {
  const at = pages.indexOf(frame)
  const cut = cutPage(frame)
  const textsOf = (these: readonly Page[]): readonly string[] => these.flatMap(elementTexts)
  const [before, behind] = [textsOf(pages.slice(0, at)), textsOf(pages.slice(at + 1))]
  if (before.length + behind.length === 0) return cut
  const array = memberSpans(cut).get('data')
  if (array === undefined) throw unreadable()
  const inside = frame.kept.length === 0 ? [] : [cut.slice(array.start + 1, array.end - 1)]
  return `${cut.slice(0, array.start)}[${[...before, ...inside, ...behind].join(',')}]${cut.slice(array.end)}`
}

function cutPage({ text, data, kept }: Page): string {
  if (kept.length === data.length) return text
  const { array, elements } = elementsOf(text, data)
  const left = new Set(kept)
  return cutElements(text, array, elements, (at) => left.has(at))
}

function elementTexts({ text, data, kept }: Page): readonly string[] {
  const { elements } = elementsOf(text, data)
  return kept.flatMap((at) => {
    const span = elements[at]
    return span === undefined ? [] : [text.slice(span.start, span.end)]
  })
}

function elementsOf(text: string, data: readonly unknown[]) {
  const array = memberSpans(text).get('data')
  if (array === undefined) throw unreadable()
  const elements = elementSpans(text, array)
  // Counted differently by two readers, it is not what it seems.
  if (elements.length !== data.length) throw unreadable()
  return { array, elements }
}

const unreadable = (): TollgateError => new TollgateError('ownership.answer_unreadable')
