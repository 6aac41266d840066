// The phase of short calls: CPU, rate and latency of a 1 KB GET and of a 2 KB POST, over all arms.
import type { Arm } from '../arms/arm.ts'
import {
  agentAnswer,
  createSession,
  paths,
  sendMessage,
  sentAnswer,
  sessionAnswer,
} from '../arms/messages.ts'
import { startNginxUpstream } from '../arms/nginx.ts'
import { openArms } from '../arms/open-arms.ts'
import { measureLatency } from '../load/open-loop.ts'
import { measureSaturation } from '../load/saturation.ts'
import type { Ask } from '../load/wrk.ts'
import { memoryOf } from '../machine/proc.ts'
import { loadCore } from '../machine/programs.ts'
import type { Effort } from './effort.ts'
import { against, difference, type Figure, type Goal, pick, ratio, single, toFigure } from './figure.ts'
import { goals } from './goals.ts'

export async function measureShortCalls(folder: string, effort: Effort): Promise<readonly Figure[]> {
  const upstream = await startNginxUpstream(folder, loadCore, {
    [paths.agent]: agentAnswer,
    [paths.sessions]: sessionAnswer,
    [paths.events]: sentAnswer,
    // Also the collector that takes every span.
    '/': '{}',
  })
  const arms = await openArms({
    folder,
    upstreamUrl: upstream.url,
    withHttpProxy: effort.withAllArms,
    ...(effort.withAllArms ? { otlpUrl: upstream.url } : {}),
  })
  const get: Ask = { method: 'GET', path: paths.agent, body: '' }
  const send: Ask = { method: 'POST', path: paths.events, body: sendMessage }
  const create: Ask = { method: 'POST', path: paths.sessions, body: createSession }
  return [
    ...(await cpuFigures('GET 1 KB', arms, get, goals.get, folder, effort)),
    ...(await cpuFigures('POST 2 KB, a message', arms, send, goals.post, folder, effort)),
    ...(await cpuFigures('POST 2 KB, a pinned session', arms, create, goals.post, folder, effort)),
    ...(await latencyFigures('GET 1 KB', arms, get, folder, effort)),
    ...(await latencyFigures('POST 2 KB, a message', arms, send, folder, effort)),
    ...(await latencyFigures('POST 2 KB, a pinned session', arms, create, folder, effort)),
    single('most memory ever held, after all this', 'MB', 'tollgate', peakMb(arms), goals.rssLoadedMb),
  ]
}

type CpuGoals = {
  readonly cpuUs: Goal
  readonly timesNginx: Goal | null
  readonly timesHttpProxy: Goal | null
  readonly perSecond: Goal
}

async function cpuFigures(
  name: string,
  arms: readonly Arm[],
  ask: Ask,
  { cpuUs, timesNginx, timesHttpProxy, perSecond }: CpuGoals,
  folder: string,
  effort: Effort,
): Promise<readonly Figure[]> {
  const rounds = await measureSaturation(arms, ask, { folder, ...effort.saturation })
  const cpu = toFigure(
    `${name}: CPU a request`,
    'us',
    pick(rounds, (each) => each.cpuUs),
    cpuUs,
  )
  const engine = pick(rounds, (each) => each.engineCpuUs)
  const gateways = new Map([...engine].filter(([arm]) => arm.startsWith('tollgate')))
  return [
    cpu,
    against('nginx', cpu, { name: `${name}: CPU, times nginx`, unit: 'x', ...goalOf(timesNginx) }, ratio),
    against(
      'http-proxy',
      cpu,
      { name: `${name}: CPU, times http-proxy`, unit: 'x', ...goalOf(timesHttpProxy) },
      ratio,
    ),
    toFigure(
      `${name}: at saturation, one core`,
      'req/s',
      pick(rounds, (each) => each.perSecond),
      perSecond,
    ),
    toFigure(`${name}: CPU behind it, drain and ledger`, 'us', gateways),
  ]
}

async function latencyFigures(
  name: string,
  arms: readonly Arm[],
  ask: Ask,
  folder: string,
  effort: Effort,
): Promise<readonly Figure[]> {
  const measured = arms.filter((arm) => arm.name !== 'tollgate + otlp')
  const rounds = await measureLatency(measured, ask, { folder, ...effort.latency })
  const p50 = toFigure(
    `${name}: latency p50 at 500 req/s`,
    'ms',
    pick(rounds, (each) => each.p50Ms),
  )
  const p99 = toFigure(
    `${name}: latency p99 at 500 req/s`,
    'ms',
    pick(rounds, (each) => each.p99Ms),
  )
  const cpu = toFigure(
    `${name}: CPU at 500 req/s, engine too`,
    'us',
    pick(rounds, (each) => each.cpuUs),
  )
  const latency = [p50, p99].flatMap((figure, at) => {
    const share = at === 0 ? 'p50' : 'p99'
    const goal = at === 0 ? goals.overNginxP50Ms : goals.overNginxP99Ms
    const added = { name: `${name}: added ${share} over direct`, unit: 'ms' }
    const overNginx = { name: `${name}: added ${share} over nginx`, unit: 'ms', goal }
    return [
      figure,
      against('direct', figure, added, difference),
      against('nginx', figure, overNginx, difference),
    ]
  })
  return [...latency, cpu]
}

function peakMb(arms: readonly Arm[]): readonly number[] {
  return arms.flatMap(({ name, pid }) =>
    name === 'tollgate' && pid !== null ? [memoryOf(pid).peakKb / 1024] : [],
  )
}

function goalOf(goal: Goal | null): { readonly goal?: Goal } {
  return goal === null ? {} : { goal }
}
