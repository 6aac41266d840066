// A program of its own: asks at a fixed rate whether or not the answers keep up, and says how long each took.
// Argument: a job as JSON in a file (it holds a key). Prints one line of JSON.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type OpenLoopJob, type OpenLoopReport, openLoopJobSchema } from './open-loop.ts'

// A tick this late means the loop stood still; what was due meanwhile is counted from when it was due.
const lateTickMs = 3
const giveUpMs = 5_000

const job = openLoopJobSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')))
const { ask, finish } = createAsker(job)
await keepPace(job, ask)
console.log(JSON.stringify(await finish()))
process.exit(0)

/** Calls `send` at the job's rate, each with the moment its wait began and whether the warm-up is over. */
async function keepPace(
  { perSecond, warmMs, runMs }: OpenLoopJob,
  send: (sinceMs: number, counts: boolean) => void,
): Promise<void> {
  const total = Math.floor(((warmMs + runMs) * perSecond) / 1000)
  const startMs = performance.now()
  let latestTickMs = startMs
  // Timers tick in whole milliseconds: what came due since the last tick is sent in this one.
  for (let sent = 0; sent < total; await sleep(1)) {
    const nowMs = performance.now()
    const isLate = nowMs - latestTickMs > lateTickMs
    latestTickMs = nowMs
    const due = Math.min(total, Math.floor(((nowMs - startMs) * perSecond) / 1000))
    for (; sent < due; sent++) {
      const plannedMs = startMs + ((sent + 1) * 1000) / perSecond
      send(isLate ? plannedMs : nowMs, plannedMs - startMs > warmMs)
    }
  }
}

function createAsker({ url, method, headers, body }: OpenLoopJob) {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const bodyHeaders = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  }
  const options = { agent, method, headers: { ...headers, ...(body === '' ? {} : bodyHeaders) } }
  const latenciesMs: number[] = []
  const failures: OpenLoopReport['failures'] = {}
  let open = 0

  const fail = (why: string, count = 1): void => {
    failures[why] = (failures[why] ?? 0) + count
  }
  return {
    ask: (sinceMs: number, counts: boolean): void => {
      open += 1
      const asked = request(url, options, (answer) => {
        answer.resume()
        answer.once('close', () => {
          open -= 1
          if (answer.statusCode !== 200) fail(String(answer.statusCode))
          else if (!answer.complete) fail('broken off')
          else if (counts) latenciesMs.push(performance.now() - sinceMs)
        })
      })
      asked.once('error', (error: NodeJS.ErrnoException) => {
        open -= 1
        fail(error.code ?? error.message)
      })
      asked.end(body === '' ? undefined : body)
    },
    finish: async (): Promise<OpenLoopReport> => {
      const untilMs = performance.now() + giveUpMs
      while (open > 0 && performance.now() < untilMs) await sleep(5)
      if (open > 0) fail('unanswered', open)
      return { latenciesMs, failures }
    },
  }
}
