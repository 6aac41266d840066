// The models endpoints as the unmodified SDK sees them.
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { knownModels } from '../../src/simulator/billing/prices.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'

async function house() {
  const simulator = await startSimulator()
  onTestFinished(simulator.close)
  return new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
}

async function idsOf(items: AsyncIterable<{ id: string }>): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of items) ids.push(id)
  return ids
}

const statusOf = (call: PromiseLike<unknown>) =>
  call.then(
    () => 200,
    (error: unknown) => (error instanceof APIError ? error.status : undefined),
  )

test('walking forwards by any page size shows every model once, newest first', async () => {
  const client = await house()
  const whole = await idsOf(client.models.list({ limit: 1000 }))
  expect(whole.length).toBeGreaterThan(10)
  expect(new Set(whole).size).toBe(whole.length)
  for (const limit of [1, 4, whole.length]) {
    expect(await idsOf(client.models.list({ limit }))).toEqual(whole)
    expect(await idsOf(client.beta.models.list({ limit }))).toEqual(whole)
  }
  const dates = (await client.models.list({ limit: 1000 })).data.map(({ created_at }) => created_at)
  expect(dates).toEqual(dates.toSorted().reverse())
})

test('walking backwards from a model shows all that are newer, and nothing else', async () => {
  const client = await house()
  const whole = await idsOf(client.models.list({ limit: 1000 }))
  const at = 7
  const [before = ''] = whole.slice(at)
  const page = await client.models.list({ before_id: before, limit: 3 })
  expect(page.data.map(({ id }) => id)).toEqual(whole.slice(at - 3, at))
  expect(page).toMatchObject({ has_more: true, first_id: whole[at - 3], last_id: whole[at - 1] })
  const walked = await idsOf(client.models.list({ before_id: before, limit: 3 }))
  expect(walked.toSorted()).toEqual(whole.slice(0, at).toSorted())
  expect(await statusOf(client.models.list({ after_id: 'nobody' }))).toBe(400)
  expect(await statusOf(client.models.list({ after_id: before, before_id: before }))).toBe(400)
})

test('retired models are listed only on request, and every priced model can be retrieved', async () => {
  const client = await house()
  const stages = async (lifecycle?: ('active' | 'deprecated' | 'retired')[]) => {
    const page = await client.models.list({ limit: 1000, ...(lifecycle ? { lifecycle } : {}) })
    return [...new Set(page.data.map((model) => model.lifecycle))].toSorted()
  }
  expect(await stages()).toEqual(['active', 'deprecated'])
  expect(await stages(['retired'])).toEqual(['retired'])
  expect(await stages(['active', 'retired'])).toEqual(['active', 'retired'])
  for (const id of knownModels) {
    const model = await client.models.retrieve(id)
    // An alias is resolved to the model it stands for.
    expect(model.id.startsWith(id)).toBe(true)
  }
  expect(await statusOf(client.models.retrieve('claude-nobody'))).toBe(404)
  expect(await statusOf(client.beta.models.retrieve('claude-opus-5'))).toBe(200)
})

test('every model is of the shape that the SDK declares, capabilities to the last key', async () => {
  const client = await house()
  for await (const model of client.beta.models.list({ lifecycle: ['active', 'deprecated', 'retired'] })) {
    expectInterface(model, 'models', 'BetaModelInfo')
    const { capabilities } = model
    expectInterface(capabilities, 'models', 'BetaModelCapabilities')
    expectInterface(capabilities?.thinking, 'models', 'BetaThinkingCapability')
    expectInterface(capabilities?.thinking.types, 'models', 'BetaThinkingTypes')
    expectInterface(capabilities?.effort, 'models', 'BetaEffortCapability')
    expectInterface(capabilities?.context_management, 'models', 'BetaContextManagementCapability')
    expectInterface(capabilities?.server_tools, 'models', 'BetaServerToolsCapability')
  }
})
