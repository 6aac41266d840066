// The `view` of a request: `basic` leaves the text out, `full` shows it (SDK 1.12.0 BetaManagedAgentsMemoryView).

import { invalidRequest } from '../http/api-error.ts'
import { readLimit } from '../http/page.ts'

export type View = 'basic' | 'full'

/** The most items of a page, by view (SDK 1.12.0 tools/agent-toolset/memories: "the API's maximum per view"). */
const limitMax: Readonly<Record<View, number>> = { basic: 100, full: 20 }

/** The `view` asked for. Throws a 400 for another word. */
export function readView(query: URLSearchParams, fallback: View): View {
  const view = query.get('view') ?? fallback
  if (view === 'basic' || view === 'full') return view
  throw invalidRequest('view: must be `basic` or `full`')
}

/** The object as the view shows it. */
export const inView = <T extends { readonly content: string | null }>(object: T, view: View) =>
  view === 'full' ? object : { ...object, content: null }

/** The page size asked for, no more than the view allows. */
export const limitIn = (query: URLSearchParams, view: View): number =>
  Math.min(readLimit(query), limitMax[view])
