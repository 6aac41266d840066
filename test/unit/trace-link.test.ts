// Links to traces: the template is checked when it is read, and what is put in is escaped.
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createTraceLink } from '../../src/trace/turns/trace-link.ts'

const about = { traceId: 'abc', spanId: 'def', sessionId: 'sesn/1&x', fromMs: 5, toMs: 9 }
const read = (template: string) => parseConfig({ TOLLGATE_TRACE_URL: template }, () => '')

test('every name is put in, escaped, as often as it stands there', () => {
  const link = createTraceLink('https://g.example/t/{traceId}?s={sessionId}&w={from}-{to}#{spanId}-{traceId}')
  expect(link(about)).toBe('https://g.example/t/abc?s=sesn%2F1%26x&w=5-9#def-abc')
  expect(createTraceLink('')(about)).toBe('')
})

test('a template that is no URL or names what there is not is told, and a good one taken', () => {
  const told = (template: string) => {
    const result = read(template)
    return result.ok ? '' : result.problems.join()
  }
  expect(told('https://g.example/{trace_id}')).toContain('has `{trace_id}`; there are {traceId}')
  expect(told('javascript:alert({traceId})')).toContain('is not an http or https URL')
  expect(told('{traceId}')).toContain('is not an http or https URL')
  expect(told('https://g.example/{traceId}')).toBe('')
})
