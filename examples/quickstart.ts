// A day in the life of an ordinary SDK client. Nothing in it knows Tollgate but the address and the key:
// take those two away and it talks to the provider. Run it with `npm run example` while `npm start` runs.
import Anthropic from '@anthropic-ai/sdk'

const baseURL = process.env['TOLLGATE_URL'] || 'http://127.0.0.1:8787'
const apiKey = process.env['TOLLGATE_KEY']

const say = (text: string) => console.log(text)

async function main(client: Anthropic): Promise<void> {
  const { environments, agents, sessions } = client.beta
  const name = `quickstart-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`

  const environment = await environments.create({ name, description: 'made by the quickstart example' })
  say(`environment  ${environment.id} created`)

  const first = await agents.create({
    name,
    model: 'claude-sonnet-5-5',
    system: 'You answer in one short sentence.',
    // Every tool call waits for our confirmation.
    tools: [
      { type: 'agent_toolset_20260401', default_config: { permission_policy: { type: 'always_ask' } } },
    ],
  })
  const agent = await agents.update(first.id, { version: first.version, description: 'updated once' })
  say(`agent        ${agent.id} created, updated: version ${first.version} -> ${agent.version}`)

  const session = await sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    title: 'quickstart',
    // Only Tollgate's simulator reads this; to the provider it is a note like any other.
    metadata: { simulator_scenario: 'tool_confirmation' },
  })
  say(`session      ${session.id} created on agent version ${session.agent.version}`)

  try {
    const confirmed = await converse(client, session.id)
    const listed: string[] = []
    for await (const event of sessions.events.list(session.id)) listed.push(event.type)
    say(`events       ${listed.length} listed, ${confirmed} tool calls confirmed`)

    const { status, usage } = await sessions.retrieve(session.id)
    say(`retrieved    ${status}: ${usage.input_tokens ?? 0} tokens in, ${usage.output_tokens ?? 0} out`)
  } finally {
    // Each on its own: what failed before must not keep the rest from being cleared away.
    await tidy('session archived', sessions.archive(session.id))
    await tidy('session deleted', sessions.delete(session.id))
    await tidy('agent archived', agents.archive(agent.id))
    await tidy('environment deleted', environments.delete(environment.id))
  }
}

async function tidy(what: string, done: Promise<unknown>): Promise<void> {
  try {
    await done
    say(`tidied       ${what}`)
  } catch (error) {
    process.exitCode = 1
    console.error(`not ${what}: ${error instanceof Error ? error.message : error}`)
  }
}

/** One turn: the stream is open before the message goes, so no event is missed. Returns the confirmations given. */
async function converse(client: Anthropic, sessionId: string): Promise<number> {
  const { events } = client.beta.sessions
  const stream = await events.stream(sessionId)
  await events.send(sessionId, {
    events: [
      {
        type: 'user.message',
        content: [{ type: 'text', text: 'List the files here, then tell me how many.' }],
      },
    ],
  })

  let confirmed = 0
  for await (const event of stream) {
    if (event.type === 'agent.message') {
      for (const block of event.content) if (block.type === 'text') say(`  agent      ${block.text}`)
      continue
    }
    say(`  event      ${event.type}`)
    if (event.type === 'session.error') say(`  error      ${event.error.message}`)
    if (event.type === 'session.status_terminated') throw new Error('the session was terminated')
    if (event.type !== 'session.status_idle') continue

    const { stop_reason: reason } = event
    if (reason.type === 'end_turn') return confirmed
    if (reason.type !== 'requires_action') throw new Error(`the turn stopped: ${reason.type}`)
    // All in one call: each id that is left open would be asked for again.
    await events.send(sessionId, {
      events: reason.event_ids.map((id) => ({
        type: 'user.tool_confirmation',
        tool_use_id: id,
        result: 'allow',
      })),
    })
    confirmed += reason.event_ids.length
    say(`  allowed    ${reason.event_ids.join(', ')}`)
  }
  throw new Error('the stream ended before the turn did')
}

if (!apiKey) {
  console.error(
    'TOLLGATE_KEY is not set: run `npm start` in another terminal and copy the key it shows the first time, then\n' +
      '  TOLLGATE_KEY=tg_live_… npm run example',
  )
  process.exitCode = 1
} else {
  try {
    await main(new Anthropic({ baseURL, apiKey }))
    say(`\nall of it went through ${baseURL}`)
  } catch (error) {
    if (error instanceof Anthropic.APIConnectionError) {
      console.error(`nothing answers at ${baseURL}: is \`npm start\` running there?`)
    } else {
      console.error(error instanceof Error ? error.message : error)
    }
    process.exitCode = 1
  }
}
