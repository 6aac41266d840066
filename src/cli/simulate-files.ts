// The files `tollgate simulate` may name: a scenario, faults, a certificate. Their content is judged by the simulator.
import type { FaultInput, ScenarioInput, SimulatorOptions } from '../simulator/simulator.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'

/** The flags of the command line as commander hands them over. */
export type SimulateFlags = {
  readonly port: number
  readonly host: string
  readonly key?: readonly [string, ...string[]]
  readonly adminKey?: string
  readonly scenario?: string
  readonly heartbeatMs?: number
  readonly faults?: string
  readonly rateLimits?: boolean
  readonly gzip?: boolean
  readonly manualClock?: boolean
  readonly tlsCert?: string
  readonly tlsKey?: string
}

/** Reads a scenario out of the text of a file, whose name is for the messages. */
export type ReadScenario = (text: string, file: string) => ScenarioInput

/** What the files say, as options of the simulator. Throws wrong use when one cannot be read. */
export function readSimulateFiles(
  flags: SimulateFlags,
  io: CommandIo,
  readScenario: ReadScenario,
): Pick<SimulatorOptions, 'tls' | 'faults' | 'scenario'> {
  const { tlsCert, tlsKey, faults, scenario } = flags
  // A scenario of the library has a name without a dot.
  const namedOrRead = (text: string): string | ScenarioInput =>
    text.includes('.') ? readScenario(read(text, 'scenario file', io), text) : text
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new CommandError('--tls-cert and --tls-key come together: give both', exitCodes.wrongUse)
  }
  return {
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: { cert: read(tlsCert, 'certificate', io), key: read(tlsKey, 'private key', io) } }),
    ...(faults === undefined ? {} : { faults: readFaults(faults, io) }),
    ...(scenario === undefined ? {} : { scenario: namedOrRead(scenario) }),
  }
}

function read(path: string, what: string, io: CommandIo): string {
  try {
    return io.readFile(path)
  } catch {
    throw new CommandError(`cannot read the ${what} \`${path}\``, exitCodes.wrongUse)
  }
}

function readFaults(path: string, io: CommandIo): readonly FaultInput[] {
  const text = read(path, 'fault file', io)
  try {
    return JSON.parse(text)
  } catch {
    throw new CommandError(`the fault file \`${path}\` is not valid JSON`, exitCodes.wrongUse)
  }
}
