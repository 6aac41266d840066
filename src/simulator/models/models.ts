// The routes of /v1/models: the models on our price list, paged by id as this family is.

import { knownModels } from '../billing/prices.ts'
import { notFound } from '../http/api-error.ts'
import { readLimit } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'

const lines: ReadonlySet<string> = new Set(['haiku', 'sonnet', 'opus', 'fable', 'mythos'])

function modelView(id: string) {
  const [, line = '', ...version] = id.split('-')
  return {
    id,
    type: 'model',
    display_name: `Claude ${line.charAt(0).toUpperCase()}${line.slice(1)} ${version.slice(0, 2).join('.')}`,
    line: lines.has(line) ? line : null,
    lifecycle: 'active',
    created_at: '2026-01-01T00:00:00Z',
    deprecated_at: null,
    retires_at: null,
    max_input_tokens: 1_000_000,
    max_tokens: 64_000,
    allowed_fallback_models: [],
    capabilities: null,
  }
}

function listModels({ query }: ApiRequest) {
  const limit = readLimit(query)
  const afterId = query.get('after_id')
  const beforeId = query.get('before_id')
  const afterAt = afterId === null ? 0 : knownModels.indexOf(afterId) + 1
  const beforeAt = beforeId === null ? knownModels.length : knownModels.indexOf(beforeId)
  const range = knownModels.slice(afterAt, Math.max(afterAt, beforeAt))
  // Walking backwards takes the models nearest to `before_id`.
  const data = (beforeId === null ? range.slice(0, limit) : range.slice(-limit)).map(modelView)
  return {
    data,
    has_more: range.length > limit,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  }
}

/** The model routes. They need a key and no beta header. */
export function modelRoutes(): readonly Route[] {
  const access = 'key-only'
  return [
    { method: 'GET', pattern: '/v1/models', access, run: (request) => json(listModels(request)) },
    {
      method: 'GET',
      pattern: '/v1/models/:id',
      access,
      run: (request) => {
        const id = request.param('id')
        if (!knownModels.includes(id)) throw notFound(`model: ${id}`)
        return json(modelView(id))
      },
    },
  ]
}
