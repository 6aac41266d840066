// Deployments and their runs in the stand-in upstream, as the SDK sees them, and what the clock makes of a schedule.
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { readCron } from '../../src/simulator/deployments/cron.ts'
import { jitterMs } from '../../src/simulator/deployments/schedule-timer.ts'
import { createManualClock, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

async function house(options: SimulatorOptions = {}) {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock, ...options })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const environment = await client.beta.environments.create({ name: 'test' })
  const agent = await client.beta.agents.create({ name: 'helper', model: 'claude-sonnet-5-5' })
  const deploy = (more: Partial<Parameters<typeof client.beta.deployments.create>[0]> = {}) =>
    client.beta.deployments.create({
      name: 'nightly',
      agent: agent.id,
      environment_id: environment.id,
      initial_events: [say('go')],
      ...more,
    })
  const runsOf = (id: string) => collect(client.beta.deploymentRuns.list({ deployment_id: id }))
  return {
    simulator,
    clock,
    client,
    deployments: client.beta.deployments,
    environment,
    agent,
    deploy,
    runsOf,
  }
}

const say = (text: string) => ({ type: 'user.message' as const, content: [{ type: 'text' as const, text }] })
const cron = (expression: string, timezone = 'UTC') => ({ type: 'cron' as const, expression, timezone })

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

const refusal = async (call: Promise<unknown>): Promise<string> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof APIError ? `${error.status} ${error.apiMessage}` : 'none'
}

const scheduledAt = (run: Anthropic.Beta.BetaManagedAgentsDeploymentRun): string => {
  const { trigger_context: trigger } = run
  return trigger.type === 'schedule' ? trigger.scheduled_at : 'manual'
}

test('deployments and runs have every field the SDK declares, and no credential comes back', async () => {
  const { client, deployments, deploy } = await house()
  const token = 'ghp_secret_token'
  const made = await deploy({
    description: 'x',
    metadata: { team: 'a' },
    budget: { type: 'limit', max_list_cost: { amount: '2000', currency: 'USD' } },
    schedule: cron('0 9 * * 1-5', 'America/New_York'),
    resources: [{ type: 'github_repository', url: 'https://github.com/o/r', authorization_token: token }],
  })
  expectInterface(made, 'deployments', 'BetaManagedAgentsDeployment')
  expectInterface(made.schedule, 'deployments', 'BetaManagedAgentsCronSchedule')
  expect(made.resources).toEqual([{ type: 'github_repository', url: 'https://github.com/o/r' }])
  expect(made.schedule?.upcoming_runs_at?.slice(0, 2)).toEqual([
    '2026-12-01T14:00:00.000Z',
    '2026-12-02T14:00:00.000Z',
  ])
  const run = await deployments.run(made.id)
  expectInterface(run, 'deployment-runs', 'BetaManagedAgentsDeploymentRun')
  expect(await client.beta.deploymentRuns.retrieve(run.id)).toEqual(run)
  const again = await deployments.retrieve(made.id)
  // A manual run is no run of the schedule.
  expect(again).toEqual(made)
  expect(JSON.stringify([again, await collect(deployments.list())])).not.toContain(token)
})

test('a session of a deployment runs the pinned version with its budget, events and link', async () => {
  const { client, clock, deployments, agent, deploy } = await house()
  const budget = { type: 'limit' as const, max_list_cost: { amount: '2000', currency: 'USD' as const } }
  const system = { type: 'system.message' as const, content: [{ type: 'text' as const, text: 'be terse' }] }
  const made = await deploy({ budget, initial_events: [say('go'), system] })
  await client.beta.agents.update(agent.id, { system: 'second' })
  const { session_id } = await deployments.run(made.id)
  const session = await client.beta.sessions.retrieve(session_id ?? '')
  expect(session).toMatchObject({ deployment_id: made.id, budget, agent: { version: 1, system: null } })
  clock.advance(minuteMs)
  const events = await collect(client.beta.sessions.events.list(session.id))
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['user.message', 'system.message', 'agent.message']),
  )
  await client.beta.sessions.create({ agent: agent.id, environment_id: made.environment_id })
  const ofDeployment = await collect(client.beta.sessions.list({ deployment_id: made.id }))
  expect(ofDeployment.map(({ id }) => id)).toEqual([session.id])
})

test('a reference is pinned when it is saved: a string to the latest, an update with a string anew', async () => {
  const { client, deployments, agent, deploy } = await house()
  await client.beta.agents.update(agent.id, { system: 'second' })
  const old = await deploy({ agent: { type: 'agent', id: agent.id, version: 1 } })
  const latest = await deploy()
  await client.beta.agents.update(agent.id, { system: 'third' })
  const renamed = await deployments.update(old.id, { name: 'renamed' })
  const repinned = await deployments.update(old.id, { agent: agent.id })
  expect([old, latest, renamed, repinned].map((each) => each.agent.version)).toEqual([1, 2, 1, 3])
})

test('an update replaces what it names, keeps the rest, and null clears', async () => {
  const { clock, deployments, deploy } = await house()
  const full = await deploy({
    description: 'x',
    metadata: { a: '1', b: '2' },
    budget: { type: 'limit', max_list_cost: { amount: '2000', currency: 'USD' } },
    schedule: cron('0 0 * * *'),
    resources: [{ type: 'github_repository', url: 'https://github.com/o/r' }],
  })
  clock.advance(1000)
  expect(await deployments.update(full.id, { name: full.name })).toEqual(full)
  const cleared = await deployments.update(full.id, {
    description: '',
    metadata: { a: null },
    budget: null,
    schedule: null,
    resources: null,
  })
  const { budget: _, ...rest } = full
  expect(cleared).toEqual({
    ...rest,
    description: null,
    metadata: { b: '2' },
    schedule: null,
    resources: [],
    updated_at: '2026-12-01T00:00:01.000Z',
  })
})

test('a request that could never run is refused with the field at fault', async () => {
  const { client, agent, deploy } = await house()
  const archived = await client.beta.environments.create({ name: 'old' })
  await client.beta.environments.archive(archived.id)
  const system = { type: 'system.message' as const, content: [{ type: 'text' as const, text: 'x' }] }
  const outcome = {
    type: 'user.define_outcome' as const,
    description: 'x',
    rubric: { type: 'text' as const, content: 'x' },
  }
  const attempts: readonly (readonly [Parameters<typeof deploy>[0], RegExp])[] = [
    [{ initial_events: [] }, /^400 initial_events/],
    [{ initial_events: Array.from({ length: 51 }, () => say('x')) }, /^400 initial_events/],
    [{ initial_events: [system] }, /^400 initial_events/],
    [{ initial_events: [system, say('x')] }, /^400 .*must be the last event/],
    [{ initial_events: [outcome, outcome] }, /^400 initial_events/],
    [{ name: '' }, /^400 name/],
    [{ agent: 'agent_unknown' }, /^404 agent `agent_unknown`/],
    [{ agent: { type: 'agent', id: agent.id, version: 7 } }, /^404 .*version 7/],
    [{ environment_id: 'env_unknown' }, /^404 environment/],
    [{ environment_id: archived.id }, /^400 environment .* archived/],
    [{ vault_ids: ['vlt_unknown'] }, /^404 vault/],
    [{ vault_ids: Array.from({ length: 51 }, String) }, /^400 vault_ids/],
    [{ schedule: cron('@daily') }, /^400 schedule: .*five fields/],
    [{ schedule: cron('0 0 30 2 *') }, /^400 schedule: .*never fires/],
    [{ schedule: cron('0 0 * * *', 'Mars/Olympus') }, /^400 schedule: .*timezone/],
    [
      { budget: { type: 'limit', max_list_cost: { amount: '020', currency: 'USD' } } },
      /^400 budget\.max_list_cost\.amount/,
    ],
  ]
  for (const [params, expected] of attempts) expect(await refusal(deploy(params))).toMatch(expected)
})

test('a schedule makes sessions nobody asked for, shortly after each of its times', async () => {
  const { clock, client, deployments, deploy, runsOf } = await house()
  const made = await deploy({ schedule: cron('0 9 * * *', 'Europe/Berlin') })
  clock.advance(3 * dayMs)
  const runs = await runsOf(made.id)
  expect(runs.map(scheduledAt)).toEqual([
    '2026-12-03T08:00:00.000Z',
    '2026-12-02T08:00:00.000Z',
    '2026-12-01T08:00:00.000Z',
  ])
  for (const run of runs) {
    const jitter = Date.parse(run.created_at) - Date.parse(scheduledAt(run))
    expect(jitter).toBeGreaterThanOrEqual(5000)
    expect(jitter).toBeLessThanOrEqual(9 * minuteMs)
  }
  const sessions = await collect(client.beta.sessions.list({ deployment_id: made.id }))
  expect(sessions.map(({ id }) => id)).toEqual(runs.map(({ session_id }) => session_id))
  const { schedule } = await deployments.retrieve(made.id)
  expect(schedule?.last_run_at).toBe(runs[0]?.created_at)
  expect(schedule?.upcoming_runs_at?.[0]).toBe('2026-12-04T08:00:00.000Z')
})

test('a schedule further ahead than a timer can wait still fires once', async () => {
  const { clock, deploy, runsOf } = await house()
  const made = await deploy({ schedule: cron('0 0 29 2 *') })
  clock.advance(800 * dayMs)
  expect((await runsOf(made.id)).map(scheduledAt)).toEqual(['2028-02-29T00:00:00.000Z'])
})

test('jitter is the same every time, within its bounds, and not the same for everybody', () => {
  const expressions = ['* * * * *', '*/5 * * * *', '0 * * * *', '0 9 * * 1-5', '0 0 1 * *']
  const places = new Set<number>()
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...expressions), fc.nat(10_000), (name, expression, minutes) => {
      const schedule = { expression, timezone: 'UTC', cron: readCron(expression, 'UTC') }
      const at = schedule.cron.nextFire(Date.UTC(2026, 11, 1) + minutes * minuteMs) ?? 0
      const following = schedule.cron.nextFire(at) ?? 0
      const jitter = jitterMs(name, schedule, at)
      expect(jitter).toBe(jitterMs(name, schedule, at))
      expect(jitter).toBeGreaterThanOrEqual(5000)
      expect(jitter).toBeLessThanOrEqual(Math.min(9 * minuteMs, (following - at) * 0.15))
      places.add(jitter)
    }),
  )
  expect(places.size).toBeGreaterThan(10)
})

test('whatever is done to a deployment, no time of its schedule has two runs', async () => {
  const { clock, deployments, deploy, runsOf } = await house()
  const made = await deploy({ schedule: cron('* * * * *') })
  const steps = [
    () => deployments.pause(made.id),
    () => deployments.unpause(made.id),
    () => deployments.update(made.id, { schedule: cron('*/1 * * * *') }),
    () => deployments.update(made.id, { schedule: cron('* * * * *') }),
    () => deployments.run(made.id),
  ]
  for (let turn = 0; turn < 60; turn += 1) {
    clock.advance(1000 + ((turn * 7919) % 50_000))
    await steps[turn % steps.length]?.()
  }
  const times = (await runsOf(made.id)).map(scheduledAt).filter((at) => at !== 'manual')
  expect(times.length).toBeGreaterThan(5)
  expect(new Set(times).size).toBe(times.length)
})

test('a paused deployment does not fire but may be run by hand, and unpausing makes up for nothing', async () => {
  const { clock, deployments, deploy, runsOf } = await house()
  const made = await deploy({ schedule: cron('0 * * * *') })
  const paused = await deployments.pause(made.id)
  expect(paused).toMatchObject({ status: 'paused', paused_reason: { type: 'manual' } })
  expect(paused.schedule?.upcoming_runs_at).toHaveLength(5)
  clock.advance(5 * hourMs)
  await deployments.run(made.id)
  expect((await runsOf(made.id)).map(scheduledAt)).toEqual(['manual'])
  expect(await deployments.unpause(made.id)).toMatchObject({ status: 'active', paused_reason: null })
  clock.advance(hourMs + 10 * minuteMs)
  expect((await runsOf(made.id)).map(scheduledAt)).toEqual(['2026-12-01T06:00:00.000Z', 'manual'])
})

test('archiving is for good: nothing fires, runs or changes, and it happens with the agent', async () => {
  const { clock, client, deployments, agent, deploy, runsOf } = await house()
  const one = await deploy({ schedule: cron('0 * * * *') })
  const other = await deploy({ schedule: cron('0 * * * *') })
  await deployments.pause(one.id)
  const archived = await deployments.archive(one.id)
  expect(archived).toMatchObject({ status: 'active', paused_reason: null, archived_at: expect.any(String) })
  expect(archived.schedule?.upcoming_runs_at).toEqual([])
  expect(await deployments.archive(one.id)).toEqual(archived)
  await client.beta.agents.archive(agent.id)
  expect((await deployments.retrieve(other.id)).archived_at).not.toBeNull()
  clock.advance(3 * hourMs)
  expect([...(await runsOf(one.id)), ...(await runsOf(other.id))]).toEqual([])
  const changes = [
    deployments.run(one.id),
    deployments.pause(one.id),
    deployments.unpause(one.id),
    deployments.update(one.id, { name: 'x' }),
  ]
  for (const change of changes) expect(await refusal(change)).toMatch(/^400 deployment .* archived/)
})

test('a fire that cannot make a session records why and pauses; a manual run only records', async () => {
  const { clock, client, deployments, deploy, runsOf } = await house()
  const member = await client.beta.agents.create({ name: 'member', model: 'claude-haiku-4-5' })
  const boss = await client.beta.agents.create({
    name: 'boss',
    model: 'claude-sonnet-5-5',
    multiagent: { type: 'coordinator', agents: [member.id] },
  })
  const vault = await client.beta.vaults.create({ display_name: 'v' })
  const remote = await client.beta.environments.create({ name: 'r', config: { type: 'self_hosted' } })
  const gone = await client.beta.environments.create({ name: 'g' })
  const old = await client.beta.environments.create({ name: 'o' })
  const schedule = cron('0 * * * *')
  const repository = { type: 'github_repository' as const, url: 'https://github.com/o/r' }
  const made = {
    agent_archived_error: await deploy({ schedule, agent: boss.id }),
    vault_archived_error: await deploy({ schedule, vault_ids: [vault.id] }),
    self_hosted_resources_unsupported_error: await deploy({
      schedule,
      environment_id: remote.id,
      resources: [repository],
    }),
    environment_not_found_error: await deploy({ schedule, environment_id: gone.id }),
    environment_archived_error: await deploy({ schedule, environment_id: old.id }),
  }
  await client.beta.agents.archive(member.id)
  await client.beta.vaults.archive(vault.id)
  await client.beta.environments.delete(gone.id)
  await client.beta.environments.archive(old.id)
  const byHand = await deployments.run(made.environment_archived_error.id)
  expect(byHand).toMatchObject({ session_id: null, error: { type: 'environment_archived_error' } })
  expect((await deployments.retrieve(made.environment_archived_error.id)).status).toBe('active')
  clock.advance(3 * hourMs)
  for (const [type, { id }] of Object.entries(made)) {
    const scheduled = (await runsOf(id)).filter((run) => scheduledAt(run) !== 'manual')
    expect(scheduled).toMatchObject([{ session_id: null, error: { type, message: expect.any(String) } }])
    expect(await deployments.retrieve(id)).toMatchObject({
      status: 'paused',
      paused_reason: { type: 'error', error: { type } },
    })
  }
  expect(await collect(client.beta.sessions.list())).toEqual([])
})

test('lists walk their pages newest first and take every filter', async () => {
  const { clock, client, deployments, environment, deploy } = await house()
  const other = await client.beta.agents.create({ name: 'other', model: 'claude-haiku-4-5' })
  const made: Anthropic.Beta.BetaManagedAgentsDeployment[] = []
  for (let at = 0; at < 5; at += 1) {
    made.push(await deploy({ name: `d${at}`, ...(at === 4 ? { agent: other.id } : {}) }))
    clock.advance(1000)
  }
  const ids = made.map(({ id }) => id)
  const names = async (params: Anthropic.Beta.DeploymentListParams) =>
    (await collect(deployments.list({ limit: 2, ...params }))).map(({ name }) => name).join(' ')
  await deployments.archive(ids[0] ?? '')
  await deployments.pause(ids[1] ?? '')
  expect(await names({})).toBe('d4 d3 d2 d1')
  expect(await names({ include_archived: true })).toBe('d4 d3 d2 d1 d0')
  expect(await names({ status: 'paused' })).toBe('d1')
  expect(await names({ agent_id: other.id })).toBe('d4')
  expect(await names({ 'created_at[gte]': made[2]?.created_at ?? '' })).toBe('d4 d3 d2')
  expect(await names({ 'created_at[lte]': made[2]?.created_at ?? '' })).toBe('d2 d1')
  expect(await refusal(names({ status: 'active', include_archived: true }))).toMatch(/^400 status/)

  await deployments.update(ids[2] ?? '', { schedule: cron('0 * * * *') })
  await deployments.run(ids[3] ?? '')
  clock.advance(2 * hourMs + 10 * minuteMs)
  await client.beta.environments.archive(environment.id)
  await deployments.run(ids[3] ?? '')
  const all = await collect(client.beta.deploymentRuns.list({ limit: 1 }))
  const count = async (params: Anthropic.Beta.DeploymentRunListParams) =>
    (await collect(client.beta.deploymentRuns.list({ limit: 2, ...params }))).length
  expect(
    all.map(({ trigger_context, error }) => `${trigger_context.type} ${error?.type ?? ''}`.trim()),
  ).toEqual(['manual environment_archived_error', 'schedule', 'schedule', 'manual'])
  expect(await count({ deployment_id: ids[3] ?? '' })).toBe(2)
  expect(await count({ deployment_id: 'depl_unknown' })).toBe(0)
  expect([await count({ has_error: true }), await count({ has_error: false })]).toEqual([1, 3])
  expect([await count({ trigger_type: 'schedule' }), await count({ trigger_type: 'manual' })]).toEqual([2, 2])
  const middle = all[1]?.created_at ?? ''
  expect(
    await Promise.all([
      count({ 'created_at[gt]': middle }),
      count({ 'created_at[gte]': middle }),
      count({ 'created_at[lt]': middle }),
      count({ 'created_at[lte]': middle }),
    ]),
  ).toEqual([1, 2, 2, 3])
  expect(await refusal(client.beta.deploymentRuns.retrieve('drun_unknown'))).toMatch(/^404/)
})
