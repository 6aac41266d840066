// A program of its own: holds many event streams open, says how late each event came, and ends when told to.
// Argument: a job as JSON in a file (it holds a key). Says `open` when all streams are, then one line of JSON.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { paths } from '../arms/messages.ts'
import { type StreamJob, type StreamReport, streamJobSchema } from './streams.ts'

const job = streamJobSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')))
const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY })
const report: StreamReport = { events: 0, delaysMs: [], headMs: [], firstEventMs: [], broken: 0 }
let isMeasuring = false

for (let at = 0; at < job.streams; at += job.openAtOnce) {
  const batch = Array.from({ length: Math.min(job.openAtOnce, job.streams - at) }, (_, n) =>
    open(job, at + n),
  )
  await Promise.all(batch)
}
console.log('open')
await new Promise((resolve) => setTimeout(resolve, job.settleMs))
isMeasuring = true
console.log('measuring')
await new Promise((resolve) => setTimeout(resolve, job.runMs))
console.log(JSON.stringify(report))
process.exit(0)

/** Resolves with the first event. */
async function open({ url, headers, perSecond, streams }: StreamJob, n: number): Promise<void> {
  const query = perSecond === 0 ? '' : `?per_second=${perSecond}&phase=${n / streams}`
  const askedMs = performance.now()
  const asked = request(`${url}${paths.stream(n)}${query}`, { agent, headers }).end()
  const [answer]: [IncomingMessage] = await new Promise((resolve, reject) => {
    asked.once('response', (response: IncomingMessage) => resolve([response]))
    asked.once('error', reject)
  })
  if (answer.statusCode !== 200) throw new Error(`a stream was answered with ${answer.statusCode}`)
  report.headMs.push(performance.now() - askedMs)
  answer.on('data', read)
  answer.once('close', () => {
    report.broken += 1
  })
  await once(answer, 'data')
  report.firstEventMs.push(performance.now() - askedMs)
}

function read(chunk: Buffer): void {
  if (!isMeasuring) return
  const nowNs = process.hrtime.bigint()
  for (const [, sentNs] of chunk.toString('latin1').matchAll(/"sent_ns":"(\d+)"/g)) {
    report.events += 1
    report.delaysMs.push(Number(nowNs - BigInt(sentNs ?? 0)) / 1e6)
  }
}
