// The parts of short calls: CPU, rate and latency of a GET and of POSTs of 2 and 50 KB, over all arms.
import type { Arm } from '../arms/arm.ts'
import * as messages from '../arms/messages.ts'
import { startNginxUpstream } from '../arms/nginx.ts'
import { openArms } from '../arms/open-arms.ts'
import { measureSaturation } from '../load/saturation.ts'
import type { Ask } from '../load/wrk.ts'
import { loadCore, stopAll } from '../machine/programs.ts'
import type { PartName } from '../run/parts.ts'
import type { Run } from '../run/run.ts'
import { against, type Figure, pick, ratio, toFigure } from './figure.ts'
import { type CallGoals, goals } from './goals.ts'
import { latencyFigures } from './latency.ts'
import { peakFigures, sharesOf } from './processes.ts'
import { type Section, toSection } from './section.ts'

type Call = {
  readonly part: PartName
  readonly title: string
  readonly ask: Ask
  readonly goals: CallGoals
  /** Its latency at a steady rate too, and the gateway that exports spans. */
  readonly isWhole: boolean
}

const { paths } = messages

const calls: readonly Call[] = [
  {
    part: 'get',
    title: 'GET 1 KB',
    ask: { method: 'GET', path: paths.agent, body: '' },
    goals: goals.calls.get,
    isWhole: true,
  },
  {
    part: 'post',
    title: 'POST 2 KB, a message',
    ask: { method: 'POST', path: paths.events, body: messages.sendMessage },
    goals: goals.calls.post,
    isWhole: true,
  },
  {
    part: 'pinned',
    title: 'POST 2 KB, a session on a pinned agent',
    ask: { method: 'POST', path: paths.sessions, body: messages.createSession },
    goals: goals.calls.post,
    isWhole: true,
  },
  {
    part: 'post50',
    title: 'POST 50 KB, a message',
    ask: { method: 'POST', path: paths.events, body: messages.sendLargeMessage },
    goals: goals.calls.post50,
    isWhole: false,
  },
  {
    part: 'agent50',
    title: 'POST 50 KB, an agent with a long prompt',
    ask: { method: 'POST', path: paths.updatedAgent, body: messages.updateAgent },
    goals: {},
    isWhole: false,
  },
]

/** Sections of the parts that the run wants; every call has the same arms, so the later find them warm. */
export async function measureShortCalls(run: Run, folder: string): Promise<readonly Section[]> {
  const wanted = calls.filter(({ part }) => run.wants(part))
  if (wanted.length === 0) return []
  const upstream = await startNginxUpstream({
    folder,
    core: loadCore,
    answers: {
      [paths.agent]: messages.agentAnswer,
      [paths.updatedAgent]: messages.updatedAgentAnswer,
      [paths.sessions]: messages.sessionAnswer,
      [paths.events]: messages.sentAnswer,
      // Also the collector that takes every span.
      '/': '{}',
    },
  })
  const otlp = run.effort.withOtlp ? { otlpUrl: upstream.url } : {}
  const arms = await openArms(run, { folder, upstreamUrl: upstream.url, ...otlp })
  const sections: Section[] = []
  for (const call of wanted) sections.push(await measureCall(run, arms, call))
  const last = sections.pop()
  if (last !== undefined) sections.push({ ...last, figures: [...last.figures, ...peakFigures(arms)] })
  await stopAll()
  return sections
}

async function measureCall(run: Run, arms: readonly Arm[], call: Call): Promise<Section> {
  const { part, title, ask, isWhole } = call
  const asked = isWhole ? arms : arms.filter(({ name }) => name !== 'tollgate + otlp')
  const cpu = await cpuFigures(run, asked, call)
  // What the spans add to a latency is in the noise; their CPU is not.
  const steady = arms.filter(({ name }) => name !== 'tollgate + otlp')
  const latency = isWhole ? await latencyFigures(run, title, steady, ask) : []
  return toSection(part, title, [...cpu, ...latency])
}

async function cpuFigures(run: Run, arms: readonly Arm[], call: Call): Promise<readonly Figure[]> {
  const rounds = await measureSaturation(run, call.title, arms, call.ask)
  const { cpuUs, timesNginx, timesHttpProxy, perSecond, timesPortkey } = call.goals
  const own = pick(rounds, (each) => each.cpuUs?.own ?? null)
  const cpu = toFigure({ name: 'CPU a request', unit: 'us', ...goalOf(cpuUs) }, own)
  const rate = toFigure(
    { name: 'at saturation, one core', unit: 'req/s', ...goalOf(perSecond) },
    pick(rounds, (each) => each.perSecond),
    'more',
  )
  return [
    cpu,
    against('nginx', cpu, { name: 'CPU, times nginx', unit: 'x', ...goalOf(timesNginx) }, ratio),
    against(
      'http-proxy',
      cpu,
      { name: 'CPU, times http-proxy', unit: 'x', ...goalOf(timesHttpProxy) },
      ratio,
    ),
    ...sharesOf('CPU a request', rounds, (each) => each.cpuUs),
    rate,
    toFigure(
      { name: 'of its core it had', unit: 'x' },
      pick(rounds, (each) => each.coreShare),
      'more',
    ),
    against('nginx', rate, { name: 'rate, times nginx', unit: 'x' }, ratio),
    against('http-proxy', rate, { name: 'rate, times http-proxy', unit: 'x' }, ratio),
    against('portkey', rate, { name: 'rate, times portkey', unit: 'x', ...goalOf(timesPortkey) }, ratio),
  ]
}

function goalOf(goal: CallGoals[keyof CallGoals]): { readonly goal?: Exclude<typeof goal, undefined> } {
  return goal === undefined ? {} : { goal }
}
