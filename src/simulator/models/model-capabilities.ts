// What a model can do, as the Models API tells it and as the Messages API enforces it
// (SDK 1.12.0 `BetaModelCapabilities`).

import type { CatalogModel } from './model-catalog.ts'

/** Which `thinking.type` values a model accepts. */
export function thinkingTypes({ line, generation }: CatalogModel) {
  return {
    adaptive: generation >= 4.6,
    between_tools: generation >= 5,
    // The most capable lines always think.
    disabled: line !== 'mythos' && line !== 'fable',
    enabled: generation < 4.7,
  } as const
}

/** Whether a conversation may end with the beginning of the model's own answer. */
export const hasPrefill = ({ generation }: CatalogModel): boolean => generation < 4.6

/** Whether requests may choose where the model runs. */
export const hasInferenceGeo = ({ generation }: CatalogModel): boolean => generation >= 4.6

const supported = (isSupported: boolean) => ({ supported: isSupported })

/** The `capabilities` object: every known key, for every model. */
export function capabilitiesView(model: CatalogModel) {
  const { generation } = model
  const recent = supported(generation >= 4.5)
  const effort = supported(generation >= 4.6 || model.id.startsWith('claude-opus-4-5'))
  const types = thinkingTypes(model)
  return {
    batch: supported(true),
    citations: supported(true),
    code_execution: recent,
    compaction: generation >= 5 ? { supported: true, summarize: supported(true) } : null,
    context_management: {
      supported: generation >= 4.5,
      clear_thinking_20251015: recent,
      clear_tool_uses_20250919: recent,
      compact_20260112: supported(generation >= 4.6),
    },
    effort: {
      ...effort,
      low: effort,
      medium: effort,
      high: effort,
      xhigh: generation >= 4.7 ? supported(true) : null,
      max: supported(generation >= 4.6),
    },
    image_input: supported(true),
    pdf_input: supported(true),
    server_tools: { supported: true, code_execution: supported(true), web_search: supported(true) },
    structured_outputs: recent,
    thinking: {
      supported: true,
      types: {
        adaptive: supported(types.adaptive),
        between_tools: supported(types.between_tools),
        disabled: supported(types.disabled),
        enabled: supported(types.enabled),
      },
    },
  }
}
