// `tollgate simulate`: the stand-in upstream alone, to point an SDK or a gateway at.
import { type Command, InvalidArgumentError } from 'commander'
import type { CommandIo } from './command-io.ts'

/** Adds the command. It runs until SIGINT or SIGTERM. */
export function addSimulate(program: Command, io: CommandIo): void {
  program
    .command('simulate')
    .description('run the simulated upstream alone, without a gateway')
    .option('--port <number>', 'port on 127.0.0.1, 0 for a free one', parsePort, 8790)
    .action(async ({ port }: { port: number }) => {
      const { startSimulator } = await import('../simulator/simulator.ts')
      const stopped = io.untilStopped()
      const simulator = await startSimulator({ port })
      io.out(snippet(simulator.url, simulator.apiKey))
      await stopped
      await simulator.close()
      io.out('\nthe simulator has stopped\n')
    })
}

// The simulator's key opens nothing but the simulator: printing it is the point.
const snippet = (url: string, apiKey: string) => `the simulated upstream answers at ${url}
its key is ${apiKey}

  import Anthropic from '@anthropic-ai/sdk'
  const client = new Anthropic({ baseURL: '${url}', apiKey: '${apiKey}' })
  const environment = await client.beta.environments.create({ name: 'try' })
  const agent = await client.beta.agents.create({ name: 'try', model: 'claude-sonnet-5-5' })
  await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })

what it would bill: ${url}/simulator/bill
`

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('must be a port between 0 and 65535.')
}
