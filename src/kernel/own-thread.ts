// A thread of ours beside this one: one question, one answer, in the form of code that this process runs in.
import { Worker } from 'node:worker_threads'

/**
 * Runs a module of ours in a thread of its own with `question` as its `workerData`, and resolves with the first message
 * it posts. `here` is the caller's `import.meta.url`, `module` a relative path without an extension. Rejects with what
 * the thread failed with, when it ends without a word, or after `timeoutMs`; it is gone then.
 */
export async function askOwnThread<Answer>(
  here: string,
  module: string,
  question: unknown,
  timeoutMs: number,
): Promise<Answer> {
  // It needs none of our secrets.
  const thread = new Worker(entryOf(here, module), { workerData: question, env: {}, execArgv: [] })
  const deadline: { timer?: NodeJS.Timeout } = {}
  try {
    return await new Promise<Answer>((resolve, reject) => {
      // What comes is what the module posts: both ends are one piece of code, and a second look would cost the time that
      // the thread saves.
      thread.once('message', (answer: Answer) => resolve(answer))
      thread.once('error', reject)
      thread.once('exit', () => reject(new Error('the thread ended without an answer')))
      deadline.timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    })
  } finally {
    clearTimeout(deadline.timer)
    await thread.terminate()
  }
}

/** Built code runs as it is. Source, as the tests run it, needs tsx, which does not come into a thread by itself. */
function entryOf(here: string, module: string): URL {
  if (!here.endsWith('.ts')) return new URL(`${module}.js`, here)
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const source = JSON.stringify(new URL(`${module}.ts`, here).href)
  const entry = `import { register } from ${tsx}; register(); await import(${source})`
  return new URL(`data:text/javascript,${encodeURIComponent(entry)}`)
}
