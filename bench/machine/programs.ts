// Every process the benchmark starts: pinned to a core, known by name, and ended with it whatever happens.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What is measured has this core for itself; load and upstream share the other. */
export const measuredCore = 1
export const loadCore = 0

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

export type Program = {
  readonly name: string
  readonly pid: number
  /** Standard output so far, the last megabyte of it. */
  readonly output: () => string
  /** Writes one line to its standard input. */
  readonly tell: (line: string) => void
  /** Resolves with the first match of `pattern` in standard output; rejects when the program ends before, or does not say it in time (a minute). */
  readonly says: (pattern: RegExp, withinMs?: number) => Promise<RegExpExecArray>
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
  readonly cwd?: string
  /** How many files and sockets it may open; unset: as many as we may. */
  readonly descriptors?: number
  /** Complains with every request: its standard error is thrown away, so that reading it costs nobody's CPU. */
  readonly isNoisy?: boolean
}

const running = new Set<Program>()
const fallen: string[] = []
const stopMs = 5_000
const sayMs = 60_000
const keptChars = 1024 * 1024

/** Starts a program. It keeps what it says, so that a failure can be told with its reason. */
export function startProgram(options: ProgramOptions): Program {
  const { name, env = {}, cwd, isNoisy = false } = options
  const [file, ...args] = placedCommand(options)
  const child = spawn(file, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', 'pipe', isNoisy ? 'ignore' : 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
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
    tell: (line) => {
      child.stdin?.write(`${line}\n`)
    },
    says: (pattern, withinMs = sayMs) => untilSaid(child, read.out, { pattern, withinMs }, closed, failed),
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
  // One that has ended reads nothing more; `ended` and `says` tell that.
  child.stdin?.on('error', () => undefined)
  child.once('error', () => running.delete(program))
  void closed.then(() => {
    running.delete(program)
    if (!isStopping && child.exitCode !== 0)
      fallen.push(failed(`ended with ${child.exitCode ?? child.signalCode}`).message)
  })
  return program
}

function untilSaid(
  child: ChildProcess,
  said: () => string,
  { pattern, withinMs }: { readonly pattern: RegExp; readonly withinMs: number },
  closed: Promise<void>,
  failed: (why: string) => Error,
): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const found = pattern.exec(said())
      if (found === null) return
      child.stdout?.off('data', look)
      clearTimeout(late)
      resolve(found)
    }
    const late = setTimeout(() => {
      reject(failed(`did not say \`${pattern.source}\` within ${withinMs / 1000} s`))
    }, withinMs)
    child.stdout?.on('data', look)
    child.once('error', reject)
    void closed.then(() => reject(failed('ended before it was ready')))
    look()
  })
}

/** On its core, or on both whatever our own is, and with so many descriptors. Both tools become the program itself. */
function placedCommand({ command, core, descriptors }: ProgramOptions): readonly [string, ...string[]] {
  const cores = core === undefined ? `${loadCore},${measuredCore}` : String(core)
  const limit = descriptors === undefined ? [] : ['prlimit', `--nofile=${descriptors}:${descriptors}`]
  return ['taskset', '-c', cores, ...limit, ...command]
}

/** Starts one of the benchmark's own programs, named by its path in `bench/`. */
export function startOwn(
  name: string,
  path: string,
  args: readonly string[],
  place: { readonly core: number; readonly descriptors?: number },
): Program {
  return startProgram({
    name,
    ...place,
    command: [process.execPath, '--import', 'tsx', `${root}bench/${path}`, ...args],
    // `tsx` is found from here.
    cwd: root,
  })
}

/** Puts this very process beside the load: what it does between two slices must not disturb what is measured. */
export function joinLoad(): void {
  spawnSync('taskset', ['-cp', String(loadCore), String(process.pid)], { stdio: 'ignore' })
}

/** Ends everything that still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()))
}

/** What the programs said that ended badly and unasked: usually why the others found nobody there. */
export function fallenPrograms(): readonly string[] {
  return [...new Set(fallen)]
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
      all = (all + chunk).slice(-keptChars)
      if (stream === child.stdout) out = (out + chunk).slice(-keptChars)
    })
  }
  child.once('error', (error) => {
    all += error.message
  })
  return { out: () => out, all: () => all }
}
