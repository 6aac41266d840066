// A program of its own: holds many event streams open and says what came. Argument: a job as JSON in a file (it holds a
// key). Says `open N` after each step and waits for a line; then `measuring`, and in the end one line of JSON.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { text as readText } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { paths } from '../arms/messages.ts'
import { type StreamJob, type StreamReport, streamJobSchema } from './stream-job.ts'

// One line will do: whoever started us tells it with the arm's name.
process.once('uncaughtException', (error) => {
  console.error(error.message)
  process.exit(1)
})

const job = streamJobSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')))
const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY })
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const total = Math.max(...job.steps)
let seen = { events: 0, bytes: 0, broken: 0 }
let isMeasuring = false
const delaysMs: number[] = []
const headMs: number[] = []
const firstEventMs: number[] = []

const readers = {
  bytes: (chunk: Buffer): void => {
    seen.bytes += chunk.length
  },
  events: (chunk: Buffer): void => {
    seen.bytes += chunk.length
    for (let at = chunk.indexOf('\n\n'); at >= 0; at = chunk.indexOf('\n\n', at + 2)) seen.events += 1
  },
  lateness: (chunk: Buffer): void => {
    if (!isMeasuring) return
    const nowNs = process.hrtime.bigint()
    for (const [, sentNs] of chunk.toString('latin1').matchAll(/"sent_ns":"(\d+)"/g)) {
      seen.events += 1
      delaysMs.push(Number(nowNs - BigInt(sentNs ?? 0)) / 1e6)
    }
  },
} as const

let isOpen = 0
for (const step of job.steps) {
  while (isOpen < step) {
    const count = Math.min(job.openAtOnce, step - isOpen)
    await Promise.all(Array.from({ length: count }, (_, n) => open(job, isOpen + n)))
    isOpen += count
  }
  console.log(`open ${step}`)
  await lines.next()
}
await sleep(job.settleMs)
seen = { ...seen, events: 0, bytes: 0 }
isMeasuring = true
console.log('measuring')
const startMs = performance.now()
await sleep(job.runMs)
const report: StreamReport = {
  ...seen,
  delaysMs,
  headMs,
  firstEventMs,
  runMs: performance.now() - startMs,
}
// A report longer than a pipe's buffer must be out before the end.
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))

/** Resolves with the first event. */
async function open({ url, headers, body, query, reading }: StreamJob, n: number): Promise<void> {
  const search = new URLSearchParams({ phase: String(n / total) })
  for (const [name, value] of Object.entries(query)) search.set(name, String(value))
  const askedMs = performance.now()
  const posted = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } }
  const how = body === '' ? { headers } : posted
  const asked = request(`${url}${paths.stream(n)}?${search}`, { agent, ...how }).end(body)
  const answer: IncomingMessage = await new Promise((resolve, reject) => {
    asked.once('response', resolve)
    asked.once('error', reject)
  })
  if (answer.statusCode !== 200) throw new Error(`a stream was answered ${await refusalOf(answer)}`)
  headMs.push(performance.now() - askedMs)
  // What ends it here is counted as broken, not thrown.
  answer.on('error', () => undefined)
  answer.once('close', () => {
    seen.broken += 1
  })
  if (reading !== 'nothing') answer.on('data', readers[reading])
  await once(answer, 'data')
  firstEventMs.push(performance.now() - askedMs)
  // Taking the listener away does not stop the reading.
  if (reading === 'nothing') answer.pause()
}

async function refusalOf(answer: IncomingMessage): Promise<string> {
  return `${answer.statusCode} ${(await readText(answer)).slice(0, 200)}`
}
