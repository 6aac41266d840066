// Every version of the SDK, unmodified, runs its programs directly and through Tollgate: it is given the same.
import type Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { walkManagedAgents } from './managed-agents-walk.ts'
import { sameBothWays } from './same-both-ways.ts'
import { loadSdk, type Sdk, type Version, versions } from './sdk-versions.ts'
import { walkAborts, walkMessages, walkPages, walkRetries } from './sdk-walks.ts'
import { openWorlds, type Worlds } from './worlds.ts'

// What a session's stream brings to a reader who drops nothing; queued events come twice.
const stream = `user.message user.message session.status_running session.thread_status_running
  span.model_request_start agent.tool_use span.model_request_end session.thread_status_idle session.usage
  session.status_idle user.tool_confirmation user.tool_confirmation session.status_running
  session.thread_status_running agent.tool_result span.model_request_start agent.message span.model_request_end
  session.thread_status_idle session.usage session.status_idle session.thread_status_terminated
  session.status_terminated session.deleted`.split(/\s+/)

const streamOf: Readonly<Record<Version, readonly string[]>> = {
  // Knows only the names of the Messages API.
  '0.88': [],
  // Has a list of names, and `session.usage` is younger.
  '0.109': stream.filter((type) => type !== 'session.usage'),
  '0.137': stream,
  '1.0': stream,
  '1.12': stream,
}

describe.each(versions)('SDK %s', (version) => {
  let sdk: Sdk
  let worlds: Worlds
  beforeAll(async () => {
    sdk = await loadSdk(version)
    worlds = await openWorlds()
  })
  afterAll(() => worlds?.close())

  test('is the version it is said to be, and sends its key as that version does', async () => {
    expect(sdk.installed).toBe(`${version}.0`)
    const { asked } = await sameBothWays(worlds, async (world) => {
      await sdk.connect(world).models.list()
      return (await sdk.connect(world, { asToken: true }).models.list()).data.length
    })
    expect(asked.map(({ headers }) => headers['x-stainless-package-version'])).toEqual([
      `${version}.0`,
      `${version}.0`,
    ])
    const [sent, token] = worlds.direct.simulator.requests().slice(-2)
    const isOld = version.startsWith('0.')
    expect(sent?.headers[isOld ? 'x-api-key' : 'authorization']).toBe('[key 0]')
    expect(sent?.headers[isOld ? 'authorization' : 'x-api-key']).toBeUndefined()
    expect(token?.headers['authorization']).toBe('[key 0]')
  })

  test('walks from an agent to a deleted session, and its stream drops what it drops directly', async () => {
    const { given, asked } = await sameBothWays(worlds, (world) =>
      walkManagedAgents(sdk.connect(world), world),
    )
    expect(given.streamed.map(({ type }) => type)).toEqual(streamOf[version])
    expect(given.history.map(({ type }) => type)).toContain('agent.tool_result')
    expect(given.ended).toMatchObject({ atRest: { status: 'idle' }, gone: { status: 404 } })
    expect(asked.length).toBeGreaterThan(15)
  })

  test('is given the same messages, whole, event by event, put together and broken', async () => {
    const { given } = await sameBothWays(worlds, (world) => walkMessages(sdk.connect(world)))
    expect(given.whole.content.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use'])
    expect(given.assembled.content.at(-1)).toMatchObject({ input: { nested: { deep: [1, 2.5, null] } } })
    expect(given.events.at(-1)?.type).toBe('message_stop')
    expect(given.broken.events).toHaveLength(2)
    expect(given.broken.failure).toMatchObject({ message: expect.stringContaining('Overloaded') })
    expect(given.refused).toMatchObject({ class: 'BadRequestError', status: 400 })
  })

  test('pages through lists by itself', async () => {
    const { given } = await sameBothWays(worlds, (world) => walkPages(sdk.connect(world)))
    expect(given.agents.length).toBeGreaterThan(4)
    expect(given.hasNext).toEqual([true, true])
    expect(given.models.length).toBeGreaterThan(2)
  })

  test('aborts, and the upstream learns of it', async () => {
    const { given } = await sameBothWays(worlds, (world) => walkAborts(sdk.connect(world), world))
    expect(given.opened).toBe(1)
    expect(given.messageEvents).toHaveLength(1)
    expect(given.aborted).toMatchObject({ class: 'APIUserAbortError' })
  })

  test('tries again as it does directly, and gives up as it does directly', async () => {
    const { given, asked } = await sameBothWays(worlds, (world) => {
      const patient: Anthropic = sdk.connect(world, { maxRetries: 2 })
      return walkRetries(patient, sdk.connect(world), world)
    })
    const attempts = asked.map(({ headers }) => headers['x-stainless-retry-count']).join('')
    expect(attempts).toBe(['01', '012', '0', '0', '012', '01', '01'].join(''))
    for (const refused of [given.onlyTry, given.toldNotTo, given.gaveUp]) {
      expect(refused).toMatchObject({ status: 529, error: { error: { type: 'overloaded_error' } } })
    }
    expect(given.dropped).toMatchObject({ name: 'retried' })
  })
})
