// Every method of deployments, their runs, and dreams.
import { collect, type Stage, say, startAgent, three } from './stage.ts'

const page = { limit: 1 }
const hourMs = 3_600_000

export async function walkDeployments(stage: Stage): Promise<void> {
  const { client, clock } = stage
  const { deployments, deploymentRuns } = client.beta
  const { agent, environment } = await startAgent(stage)
  const where = { agent: agent.id, environment_id: environment.id, initial_events: [say('go')] }
  const [first, second] = await three((name) => deployments.create({ ...where, name }))
  const nightly = await deployments.create({
    ...where,
    name: 'nightly',
    description: 'every hour',
    metadata: { team: 'search' },
    budget: { type: 'limit', max_list_cost: { amount: '2000', currency: 'USD' } },
    schedule: { type: 'cron', expression: '0 * * * *', timezone: 'Europe/Berlin' },
    resources: [{ type: 'github_repository', url: 'https://github.com/o/r', authorization_token: 'ghp_x' }],
  })
  await deployments.update(first.id, { description: 'changed' })
  await deployments.run(first.id)
  await deployments.pause(nightly.id)
  await deployments.unpause(nightly.id)
  clock.advance(3 * hourMs)
  await deployments.retrieve(nightly.id)
  await collect(deployments.list(page))
  await deployments.archive(second.id)
  // A run that cannot start says why.
  await client.beta.agents.archive(agent.id)
  clock.advance(2 * hourMs)
  const runs = await collect(deploymentRuns.list(page))
  for (const { id } of runs) await deploymentRuns.retrieve(id)
  await deployments.retrieve(nightly.id)
}

export async function walkDreams(stage: Stage): Promise<void> {
  const { client, clock } = stage
  const { dreams, memoryStores, sessions } = client.beta
  const { agent, environment } = await startAgent(stage)
  const store = await memoryStores.create({ name: 'notes' })
  await memoryStores.memories.create(store.id, { path: '/a/b.md', content: 'known' })
  const session = await sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    initial_events: [say('go')],
  })
  clock.advance(hourMs)
  const [done, doing] = await three((instructions) =>
    dreams.create({
      model: 'claude-opus-5',
      instructions,
      inputs: [
        { type: 'memory_store', memory_store_id: store.id },
        { type: 'sessions', session_ids: [session.id] },
      ],
    }),
  )
  clock.advance(4000)
  await dreams.retrieve(doing.id)
  await dreams.cancel(doing.id)
  clock.advance(hourMs)
  await collect(dreams.list(page))
  await dreams.archive(done.id)
}
