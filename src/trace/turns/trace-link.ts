// Links to a backend's page of a trace, from the template that the configuration gives.

/** What a link is about; times are milliseconds. */
export type Linked = {
  readonly traceId: string
  readonly spanId: string
  readonly sessionId: string
  readonly fromMs: number
  readonly toMs: number
}

const names = ['traceId', 'spanId', 'sessionId', 'from', 'to'] as const

/** What is wrong with a template; null when it is a URL in which every `{name}` is known. */
export function traceLinkFault(template: string): string | null {
  const odd = [...template.matchAll(/\{([^{}]*)\}/g)].find(
    ([, name]) => !names.some((known) => known === name),
  )
  if (odd !== undefined)
    return `has \`{${odd[1]}}\`; there are ${names.map((name) => `{${name}}`).join(', ')}`
  const sample = createTraceLink(template)({ traceId: 'a', spanId: 'b', sessionId: 'c', fromMs: 0, toMs: 1 })
  if (!URL.canParse(sample) || !/^https?:$/.test(new URL(sample).protocol))
    return 'is not an http or https URL'
  return null
}

/** Makes the links; '' without a template. What is put in is escaped. */
export function createTraceLink(template: string): (linked: Linked) => string {
  return ({ traceId, spanId, sessionId, fromMs, toMs }) => {
    const values = { traceId, spanId, sessionId, from: String(fromMs), to: String(toMs) }
    return names.reduce(
      (url, name) => url.replaceAll(`{${name}}`, encodeURIComponent(values[name])),
      template,
    )
  }
}
