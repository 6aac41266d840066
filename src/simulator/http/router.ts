// The simulator's table of routes: method and pattern to a function of the request.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { RouteAccess } from './access.ts'
import type { Identity } from './credentials.ts'

/** What a route sees of a request. */
export type ApiRequest = {
  /** A `:name` of the pattern. */
  readonly param: (name: string) => string
  readonly query: URLSearchParams
  /** The parsed JSON body; undefined when there was none, and on routes that read it themselves. */
  readonly body: unknown
  readonly headers: IncomingHttpHeaders
  /** Whose credential came with it; null on routes that ask for none. */
  readonly identity: Identity | null
  /** The request itself. Only a route with `body: 'raw'` may read it. */
  readonly raw: IncomingMessage
}

/** JSON with a status, or a body that the route itself writes for as long as it likes. */
export type ApiReply =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'stream'; readonly attach: (response: ServerResponse) => void }

export type Route = {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly pattern: string
  readonly access: RouteAccess
  /** `raw`: the route reads the body itself, of any type and length. Default `json`. */
  readonly body?: 'json' | 'raw'
  readonly run: (request: ApiRequest) => ApiReply | Promise<ApiReply>
}

/** What the table says of a method and a path. */
export type RouteMatch =
  | { readonly kind: 'route'; readonly route: Route; readonly param: (name: string) => string }
  /** The path is there for these methods only; empty when it is not there at all. */
  | { readonly kind: 'none'; readonly allowed: readonly string[] }

/** A JSON answer with status 200. */
export const json = (body: unknown): ApiReply => ({ kind: 'json', status: 200, body })

/** The values of a bracketed query array, `name[]=a&name[]=b`; a bare `name=a` counts too. */
export const queryList = (query: URLSearchParams, name: string): readonly string[] => [
  ...query.getAll(`${name}[]`),
  ...query.getAll(name),
]

const segmentsOf = (path: string): readonly string[] => path.split('/').slice(1)

/** Finds the route of a method and a path. Exact and case-sensitive; HEAD takes the route of GET. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => RouteMatch {
  const compiled = routes.map((route) => ({ route, segments: segmentsOf(route.pattern) }))

  return (method, path) => {
    const actual = segmentsOf(path)
    const wanted = method === 'HEAD' ? 'GET' : method
    const onPath = compiled.filter(
      ({ segments }) =>
        segments.length === actual.length &&
        segments.every((segment, at) =>
          segment.startsWith(':') ? actual[at] !== '' : segment === actual[at],
        ),
    )
    const found = onPath.find(({ route }) => route.method === wanted)
    if (found === undefined) {
      return { kind: 'none', allowed: [...new Set(onPath.map(({ route }) => route.method))] }
    }
    const param = (name: string): string => {
      const text = actual[found.segments.indexOf(`:${name}`)]
      if (text === undefined) throw new Error(`route ${found.route.pattern} has no \`${name}\``)
      return text
    }
    return { kind: 'route', route: found.route, param }
  }
}
