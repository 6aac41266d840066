// The routes of /v1/models: the catalogue, paged by id as this family is (SDK 1.12.0 resources/models and
// resources/beta/models: the same paths, the beta type having the larger answer).

import { invalidRequest, notFound } from '../http/api-error.ts'
import { paginateById } from '../http/id-page.ts'
import { type ApiRequest, json, queryList, type Route } from '../http/router.ts'
import { capabilitiesView } from './model-capabilities.ts'
import { type CatalogModel, catalog, findModel } from './model-catalog.ts'

function modelView(model: CatalogModel) {
  return {
    id: model.id,
    type: 'model',
    display_name: model.displayName,
    line: model.line,
    lifecycle: model.lifecycle,
    created_at: model.createdAt,
    deprecated_at: model.deprecatedAt,
    retires_at: model.retiresAt,
    max_input_tokens: model.inputTokensMax,
    max_tokens: model.outputTokensMax,
    allowed_fallback_models: model.fallbacks,
    capabilities: capabilitiesView(model),
  }
}

const stages: readonly string[] = ['active', 'deprecated', 'retired']

function readLifecycle(query: URLSearchParams): readonly string[] {
  const wanted = queryList(query, 'lifecycle')
  const unknown = wanted.find((stage) => !stages.includes(stage))
  if (unknown !== undefined)
    throw invalidRequest(`lifecycle: \`${unknown}\` is not one of ${stages.join(', ')}`)
  if (wanted.length > stages.length) throw invalidRequest(`lifecycle: at most ${stages.length} values`)
  return wanted.length === 0 ? ['active', 'deprecated'] : wanted
}

function listModels({ query }: ApiRequest) {
  const wanted = readLifecycle(query)
  return paginateById(catalog.filter(({ lifecycle }) => wanted.includes(lifecycle)).map(modelView), query)
}

function retrieveModel(request: ApiRequest) {
  const id = request.param('id')
  const model = findModel(id)
  if (model === undefined) throw notFound(`model: ${id}`)
  return modelView(model)
}

/** The model routes. They need a key and no beta header; an alias answers with the model it stands for. */
export function modelRoutes(): readonly Route[] {
  const access = 'key-only'
  return [
    { method: 'GET', pattern: '/v1/models', access, run: (request) => json(listModels(request)) },
    { method: 'GET', pattern: '/v1/models/:id', access, run: (request) => json(retrieveModel(request)) },
  ]
}
