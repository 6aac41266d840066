// `npm run bench`: what the gateway costs, beside no proxy, nginx and @fastify/http-proxy, in one run on this machine.
//
// Proxies have core 1 for themselves, load and upstream share core 0; every arm is asked in turn, in rounds. Medians
// over the rounds are printed; compare within one run only. Options: --quick (under a minute), --json FILE.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Effort, fullEffort, quickEffort } from './figures/effort.ts'
import { measureEventStreams } from './figures/event-streams.ts'
import { type Figure, judge, single } from './figures/figure.ts'
import { measureShortCalls } from './figures/short-calls.ts'
import { readMachine, renderMachine, renderTable } from './figures/table.ts'
import { measureStart } from './load/start-time.ts'
import { leaveMachine, takeMachine } from './machine/alone.ts'
import { fallenPrograms, stopAll } from './machine/programs.ts'
import { missingTools, nginxVersion } from './machine/tools.ts'

process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (options === null) return 2
  const missing = missingTools()
  if (missing.length > 0) {
    console.error(
      `bench: ${missing.join(' and ')} not found; on Debian: apt-get install -y ${missing.join(' ')}`,
    )
    return 2
  }
  if (process.platform !== 'linux' || availableParallelism() < 2) {
    console.error('bench: needs Linux with two cores, one for the load and one for what is measured')
    return 2
  }
  const other = takeMachine()
  if (other !== null) {
    console.error(`bench: process ${other} is measuring already; wait until it has ended`)
    return 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'))
  const leave = async (): Promise<void> => {
    await stopAll()
    leaveMachine()
    rmSync(folder, { recursive: true, force: true })
  }
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.once(signal, () => void leave().finally(() => process.exit(128 + number)))
  }
  try {
    const startedMs = performance.now()
    const machine = readMachine(nginxVersion())
    console.log(renderMachine(machine))
    const figures = await measureAll(folder, options.quick ? quickEffort : fullEffort)
    console.log(`\n${renderTable(figures)}`)
    console.log(
      `medians over the rounds [best round]; ${Math.round((performance.now() - startedMs) / 1000)} s in all`,
    )
    if (options.json !== undefined) writeJson(options.json, machine, figures)
    return 0
  } catch (error) {
    console.error(`\nbench: ${error instanceof Error ? error.message : String(error)}`)
    for (const words of fallenPrograms()) console.error(words)
    return 1
  } finally {
    await leave()
  }
}

async function measureAll(folder: string, effort: Effort): Promise<readonly Figure[]> {
  const starts = await phase('start', () => measureStart(folder, effort.startRounds))
  const shortCalls = await phase('short calls', () => measureShortCalls(join(folder, 'short-calls'), effort))
  await stopAll()
  const streams = await phase('event streams', () =>
    measureEventStreams(join(folder, 'event-streams'), effort),
  )
  return [single('npm start to ready, first start', 's', 'tollgate', starts), ...shortCalls, ...streams]
}

/** Says what is going on: a silent minute looks like a hang. */
async function phase<Result>(name: string, measure: () => Promise<Result>): Promise<Result> {
  process.stdout.write(`${name} ... `)
  const startedMs = performance.now()
  const result = await measure()
  console.log(`${Math.round((performance.now() - startedMs) / 1000)} s`)
  return result
}

function readOptions(): { readonly quick: boolean; readonly json: string | undefined } | null {
  try {
    const { values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'string' } } })
    return { quick: values.quick ?? false, json: values.json }
  } catch (error) {
    console.error(
      `bench: ${error instanceof Error ? error.message : String(error)}; there are --quick and --json FILE`,
    )
    return null
  }
}

function writeJson(path: string, machine: object, figures: readonly Figure[]): void {
  const judged = figures.map((figure) => ({ ...figure, verdict: judge(figure) }))
  writeFileSync(
    path,
    `${JSON.stringify({ measured_at: new Date().toISOString(), machine, figures: judged }, null, 2)}\n`,
  )
}
