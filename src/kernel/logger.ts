// The operator's log: one JSON line per thing that went wrong or changed. No bodies, no secrets, no prompts.
import { pino } from 'pino'
import { withoutKeys } from './redact.ts'

type LogLine = (fields: object, message: string) => void

export type Logger = {
  readonly debug: LogLine
  readonly info: LogLine
  readonly warn: LogLine
  readonly error: LogLine
}

/** Writes JSON lines to standard error, so that standard output stays for people. Errors go under `err`. */
export function createLogger(level: string): Logger {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
    },
    pino.destination({ dest: 2, sync: false }),
  )
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  }
}

/**
 * What the log keeps of an error. Never its other properties: undici puts the upstream's bytes there, TLS the whole
 * certificate, and a cause may bring its own.
 */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: withoutKeys(String(error)) }
  const { name, message, stack, cause } = error
  return {
    type: name,
    message: withoutKeys(message),
    ...('code' in error && (typeof error.code === 'string' || typeof error.code === 'number')
      ? { code: error.code }
      : {}),
    ...(stack === undefined ? {} : { stack: withoutKeys(stack) }),
    ...(cause === undefined || depth >= 3 ? {} : { cause: describeError(cause, depth + 1) }),
  }
}

/** A log that keeps nothing. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
