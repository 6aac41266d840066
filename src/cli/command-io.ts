// What a command may touch of the process, handed in so that tests own it, and how a command ends.
import { readFileSync } from 'node:fs'
import type { Environment } from '../config.ts'

export type CommandIo = {
  readonly env: Environment
  /** What the command was asked for. */
  readonly out: (text: string) => void
  /** Everything said about it. */
  readonly err: (text: string) => void
  /** A file's text; throws as the file system does. */
  readonly readFile: (path: string) => string
  /** Resolves when the process is asked to end (SIGINT, SIGTERM). */
  readonly untilStopped: () => Promise<void>
}

/** How a command ends; the numbers are part of the command line's contract. */
export const exitCodes = { done: 0, failed: 1, wrongUse: 2, refused: 3 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends a command with a sentence for people and an exit code; never carries a secret. */
export class CommandError extends Error {
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = exitCodes.failed) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

/** The real process. */
export const processIo: CommandIo = {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  readFile: (path) => readFileSync(path, 'utf8'),
  untilStopped: () =>
    new Promise((stopped) => {
      // `on`, not `once`: a signal to the whole group reaches us twice, from npm too, and must not cut the stopping.
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped())
    }),
}
