import { expect, test } from 'vitest'
import { mintKey } from '../../src/identify/virtual-key.ts'
import { describeError } from '../../src/kernel/logger.ts'
import { withoutKeys } from '../../src/kernel/redact.ts'

test('no key stays in a text that is kept, wherever it stands and whoever made it', () => {
  const key = mintKey().text.reveal()
  for (const secret of [key, key.slice(0, 40), 'sk-ant-api03-abc_DEF-123', 'sk-ant-oat01-x']) {
    expect(withoutKeys(`/v1/sessions/${secret}/events`)).toBe('/v1/sessions/[secret]/events')
    expect(withoutKeys(`curl (${secret}), ${secret}`)).toBe('curl ([secret]), [secret]')
  }
  expect(withoutKeys('an ordinary text')).toBe('an ordinary text')
})

test('the log keeps what an error says, never the bytes it carries, and no key of either', () => {
  const cause = Object.assign(new Error('reset'), { code: 'ECONNRESET', socket: { bytes: 'prompt' } })
  const error = Object.assign(new Error('bad answer to sk-ant-api03-x', { cause }), {
    data: 'a prompt',
    code: 7,
  })
  const kept = describeError(error)
  expect(kept).toMatchObject({ message: 'bad answer to [secret]', code: 7, cause: { code: 'ECONNRESET' } })
  expect(JSON.stringify(kept)).not.toContain('prompt')
  expect(JSON.stringify(kept)).not.toContain('sk-ant')
  const circular = new Error('round')
  circular.cause = circular
  expect(JSON.stringify(describeError(circular)).length).toBeLessThan(20_000)
  expect(describeError('sk-ant-x')).toEqual({ message: '[secret]' })
})
