// A story of the events that no story of the library tells: every error there is, MCP tools, an outcome that is
// revised, a workflow run that fails and one that is interrupted.
import { readScenario } from '../../../src/simulator/play/scenario-file.ts'
import { openDeclarations } from '../sdk/declarations.ts'
import { discriminatorsOf, typeNamed } from '../sdk/type-view.ts'
import { collect, type Stage, say, startAgent } from './stage.ts'

/** The types of error that a session's event may carry, as the SDK declares them. */
function errorTypes(): readonly string[] {
  const events = openDeclarations('resources/beta/sessions/events')
  const view = typeNamed(events, 'BetaManagedAgentsSessionErrorEvent')
  const error = view.kind === 'object' ? view.properties.get('error') : undefined
  return error === undefined ? [] : discriminatorsOf(error.type, 'type')
}

/** Give it to the simulator under `scenarios`. */
export const rareEvents = readScenario(
  `
name: rare_events
about: what no other story tells
threads: { checker: { agent_name: checker, kind: inline, run: audit } }
turns:
  - - uses: { tool: find, mcp: docs, policy: always_allow, gives: found it }
${errorTypes()
  .map((type) => `    - fails: ${type}`)
  .join('\n')}
    - grades: needs_revision
      because: too short
    - grades: satisfied
      because: long enough
  - - starts_run: audit
      phases: [open]
    - enters: open
      run: audit
    - spawns: checker
      run: true
      with: check
    - says: checked
      thread: checker
      takes: 10s
    - ends_run: audit
      as: timeout_error
      message: It took too long.
`,
  'rare-events.yaml',
)

export async function walkRareEvents(stage: Stage): Promise<void> {
  const { client, clock } = stage
  const { sessions } = client.beta
  const { agent, environment } = await startAgent(stage)
  const { id } = await sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    metadata: { simulator_scenario: rareEvents.name },
  })
  const stream = collect(await sessions.events.stream(id))
  const rubric = { type: 'text' as const, content: 'it is one' }
  const system = { type: 'system.message' as const, content: [{ type: 'text' as const, text: 'be terse' }] }
  await sessions.events.send(id, {
    events: [{ type: 'user.define_outcome', description: 'a page', rubric }, say('go'), system],
  })
  clock.advance(3_600_000)
  await sessions.update(id, { title: 'renamed' })
  // The run goes wrong once, and is interrupted once.
  await sessions.events.send(id, { events: [say('audit')] })
  clock.advance(3_600_000)
  await sessions.events.send(id, { events: [say('audit')] })
  clock.advance(5000)
  await sessions.events.send(id, { events: [{ type: 'user.interrupt' }] })
  clock.advance(3_600_000)
  await collect(sessions.events.list(id, { limit: 5 }))
  await sessions.retrieve(id)
  await sessions.delete(id)
  await stream
}
