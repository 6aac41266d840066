// `npm run bench`: what the gateway costs beside no proxy, nginx, a bare @fastify/http-proxy and Portkey's gateway, in one
// run on this machine. Proxies have core 1 for themselves, load and upstream share core 0; every arm is asked in turn,
// in rounds. `npm run bench -- --help` names the parts and options.
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ArmName } from './arms/arm.ts'
import { ensurePortkey } from './arms/portkey.ts'
import { fullEffort, quickEffort } from './figures/effort.ts'
import { measureEventStreams } from './figures/event-streams.ts'
import { toFigure } from './figures/figure.ts'
import { type Section, toSection } from './figures/section.ts'
import { measureShortCalls } from './figures/short-calls.ts'
import { measureStart } from './load/start-time.ts'
import { leaveMachine, takeMachine } from './machine/alone.ts'
import { readMachine, renderMachine } from './machine/machine.ts'
import { fallenPrograms, joinLoad, root, stopAll } from './machine/programs.ts'
import { missingTools } from './machine/tools.ts'
import { type Options, readOptions } from './run/options.ts'
import { renderResults, writeResults } from './run/results.ts'
import { createRun, type Run } from './run/run.ts'

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const reading = readOptions(args)
  if ('help' in reading) {
    console.log(reading.help)
    return 0
  }
  const obstacle = 'problem' in reading ? `${reading.problem}; --help tells the options` : findObstacle()
  if (obstacle !== null || 'problem' in reading) {
    console.error(`bench: ${obstacle}`)
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
    return await measure(folder, reading.options, args)
  } catch (error) {
    console.error(`\nbench: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  } finally {
    for (const words of fallenPrograms()) console.error(words)
    await leave()
  }
}

/** Why it cannot be measured here and now; null, and the machine is taken, when it can. */
function findObstacle(): string | null {
  if (process.platform !== 'linux' || availableParallelism() < 2) {
    return 'needs Linux with two cores, one for the load and one for what is measured'
  }
  const missing = missingTools()
  if (missing.length > 0) {
    return `${missing.join(' and ')} not found; on Debian: apt-get install -y ${missing.join(' ')}`
  }
  const other = takeMachine()
  return other === null ? null : `process ${other} is measuring already; wait until it has ended`
}

async function measure(folder: string, options: Options, args: readonly string[]): Promise<number> {
  const { quick, only } = options
  const startMs = performance.now()
  const without = new Set<ArmName>(options.without)
  const why = without.has('portkey') ? null : ensurePortkey()
  if (why !== null) without.add('portkey')
  const machine = readMachine()
  console.log(renderMachine(machine))
  const run = createRun({ folder, effort: quick ? quickEffort : fullEffort, only, without })
  if (why !== null) run.note(`Portkey's gateway is left out: ${why}`)
  joinLoad()
  const sections = await measureAll(run)
  const results = {
    measuredAt: new Date(),
    seconds: (performance.now() - startMs) / 1000,
    command: ['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' '),
    machine,
    notes: run.notes(),
    sections,
  }
  console.log(`\n${renderResults(results)}`)
  const isWhole = options.out !== undefined || (!quick && only.size === 0 && options.without.size === 0)
  const path = writeResults(
    options.out ?? join(root, 'bench/results'),
    isWhole ? 'latest' : 'partial',
    results,
  )
  console.log(`written to ${path}`)
  return run.gatewayFailed() ? 1 : 0
}

async function measureAll(run: Run): Promise<readonly Section[]> {
  const start = run.wants('start') ? [await phase('start', () => startSection(run))] : []
  const calls = await phase('short calls', () => measureShortCalls(run, join(run.folder, 'short-calls')))
  const streams = await phase('streams', () => measureEventStreams(run, join(run.folder, 'streams')))
  return [...start, ...calls, ...streams]
}

async function startSection(run: Run): Promise<Section> {
  const seconds = await measureStart(join(run.folder, 'start'), run.effort.startRounds)
  const figure = toFigure(
    { name: '`npm start` to ready, first start', unit: 's' },
    new Map([['tollgate', seconds]]),
  )
  return toSection('start', 'start', [figure])
}

/** Says what is going on: a silent minute looks like a hang. */
async function phase<Result>(name: string, measure: () => Promise<Result>): Promise<Result> {
  process.stdout.write(`${name} ... `)
  const startedMs = performance.now()
  const result = await measure()
  console.log(`${Math.round((performance.now() - startedMs) / 1000)} s`)
  return result
}
