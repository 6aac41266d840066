// `tollgate simulate`: the stand-in upstream alone, to point an SDK or a gateway at.
import { type Command, InvalidArgumentError } from 'commander'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { readSimulateFiles, type SimulateFlags } from './simulate-files.ts'

const epilogue = `
A fault file is a JSON array of what \`POST /simulator/faults\` takes; a scenario file is YAML, as those in
src/simulator/scenarios.
While it runs: GET /simulator/bill, GET /simulator/requests, GET POST DELETE /simulator/faults, GET POST /simulator/clock.
They ask for no key: whoever reaches the port may use them. More in src/simulator/README.md.
`

/** Adds the command. It runs until SIGINT or SIGTERM. */
export function addSimulate(program: Command, io: CommandIo): void {
  program
    .command('simulate')
    .description('run the simulated upstream alone, without a gateway')
    .option('--port <number>', 'port, 0 for a free one', parsePort, 8790)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--key <key>', 'a key it takes; may be given more than once', gather)
    .option('--admin-key <key>', 'the key of the endpoints under /v1/organizations')
    .option('--scenario <name-or-file>', 'what sessions play unless their metadata says otherwise')
    .option(
      '--heartbeat-ms <number>',
      'milliseconds between the pings of a stream (default: 15000)',
      parseCount,
    )
    .option('--faults <file>', 'faults that wait for their requests from the start')
    .option('--rate-limits', 'the documented limits: 300 creates and 1,200 reads a minute and key')
    .option('--gzip', 'compress JSON answers for clients that accept it')
    .option('--manual-clock', 'time stands still until `POST /simulator/clock {"advance_ms": 1000}`')
    .option('--tls-cert <file>', 'speak HTTPS with this certificate (PEM), with --tls-key')
    .option('--tls-key <file>', 'its private key (PEM)')
    .addHelpText('after', epilogue)
    .action((flags: SimulateFlags) => simulate(flags, io))
}

async function simulate(flags: SimulateFlags, io: CommandIo): Promise<void> {
  const { createManualClock, documentedRateLimits, startSimulator } = await import(
    '../simulator/simulator.ts'
  )
  const { readScenario } = await import('../simulator/play/scenario-file.ts')
  const files = readSimulateFiles(flags, io, readScenario)
  const { host, port, key, adminKey, heartbeatMs } = flags
  const stopped = io.untilStopped()
  const simulator = await startSimulator({
    ...files,
    host,
    port,
    ...(key === undefined ? {} : { apiKeys: key }),
    ...(adminKey === undefined ? {} : { adminKeys: [adminKey] }),
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    ...(flags.rateLimits === true ? { rateLimits: documentedRateLimits } : {}),
    ...(flags.manualClock === true ? { clock: createManualClock(Date.now()) } : {}),
    compression: flags.gzip === true,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new CommandError(
      `port ${port} on \`${host}\` is taken: choose another with --port`,
      exitCodes.failed,
    )
  })
  io.out(snippet(simulator.url, simulator.apiKey))
  await stopped
  await simulator.close()
  io.out('\nthe simulator has stopped\n')
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

const gather = (key: string, earlier: SimulateFlags['key']): SimulateFlags['key'] => [...(earlier ?? []), key]

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('must be a port between 0 and 65535.')
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('must be a whole number from 1.')
}
