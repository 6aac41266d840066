// Every process the benchmark starts: pinned to a core, known by name, and ended with it whatever happens.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What is measured has this core for itself; load and upstream share the other. */
export const measuredCore = 1
export const loadCore = 0

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

export type Program = {
  readonly name: string
  readonly pid: number
  /** Standard output so far. */
  readonly output: () => string
  /** Resolves with the first match of `pattern` in standard output; rejects when the program ends before, or says it not within a minute. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>
  /** Resolves with standard output once the program has ended; rejects when it ended badly. */
  readonly ended: () => Promise<string>
  /** Asks it to end, insists after five seconds, and resolves when it is gone. */
  readonly stop: () => Promise<void>
}

export type ProgramOptions = {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  /** Unset: any core. */
  readonly core?: number
  /** The whole environment but PATH; nothing is inherited. */
  readonly env?: { readonly [name: string]: string }
}

const running = new Set<Program>()
const fallen: string[] = []
const stopMs = 5_000
const sayMs = 60_000

/** Starts a program. It keeps what it says, so that a failure can be told with its reason. */
export function startProgram({ name, command, core, env = {} }: ProgramOptions): Program {
  const [file, ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command]
  const child = spawn(file, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  const read = collect(child)
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const failed = (why: string): Error => new Error(`${name} ${why}:\n${read.all().trim()}`)
  let isStopping = false
  const program: Program = {
    name,
    // A program that could not be spawned has no pid and has ended; `says` and `ended` tell why.
    pid: pid ?? -1,
    output: read.out,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(read.out())
          if (found === null) return
          child.stdout.off('data', look)
          resolve(found)
        }
        child.stdout.on('data', look)
        const late = () => reject(failed(`did not say \`${pattern.source}\` within ${sayMs / 1000} s`))
        setTimeout(late, sayMs).unref()
        child.once('error', reject)
        void closed.then(() => reject(failed('ended before it was ready')))
        look()
      }),
    ended: async () => {
      await closed
      if (child.exitCode !== 0) throw failed(`ended with ${child.exitCode ?? child.signalCode}`)
      return read.out()
    },
    stop: async () => {
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      isStopping = true
      child.kill('SIGTERM')
      const insist = setTimeout(() => child.kill('SIGKILL'), stopMs)
      await closed
      clearTimeout(insist)
    },
  }
  running.add(program)
  child.once('error', () => running.delete(program))
  void closed.then(() => {
    running.delete(program)
    if (!isStopping && child.exitCode !== 0)
      fallen.push(failed(`ended with ${child.exitCode ?? child.signalCode}`).message)
  })
  return program
}

/** Starts one of the benchmark's own programs, named by its path in `bench/`. */
export function startOwn(name: string, path: string, args: readonly string[], core: number): Program {
  return startProgram({
    name,
    core,
    command: [process.execPath, '--import', 'tsx', `${root}bench/${path}`, ...args],
  })
}

/** Ends everything that still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()))
}

/** What the programs said that ended badly and unasked: usually why the others found nobody there. */
export function fallenPrograms(): readonly string[] {
  return fallen
}

/** Runs a program to its end and returns its standard output; rejects when it ends badly. */
export async function runProgram(options: ProgramOptions): Promise<string> {
  return startProgram(options).ended()
}

function collect(child: ChildProcess): { readonly out: () => string; readonly all: () => string } {
  let out = ''
  let all = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8')
    stream?.on('data', (chunk: string) => {
      all += chunk
      if (stream === child.stdout) out += chunk
    })
  }
  child.once('error', (error) => {
    all += error.message
  })
  return { out: () => out, all: () => all }
}
