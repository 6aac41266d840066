// TLS of the data plane, put together: the files, the listener that serves with them, and who may vouch for callers.
import type { X509Certificate } from 'node:crypto'
import type { TlsConfig } from './config-tls.ts'
import { createTlsListener, type TlsListener } from './gateway/tls-listener.ts'
import type { Clock } from './kernel/clock.ts'
import type { Logger } from './kernel/logger.ts'
import { openTlsFiles } from './tls-files.ts'

export type OpenTls = {
  /** Undefined: plain http. */
  readonly listener: TlsListener | undefined
  readonly authorities: () => readonly X509Certificate[]
  /** What is not well with the files; null when all is. */
  readonly problem: () => string | null
  /** The address with the scheme that is really spoken there. */
  readonly addressOf: (url: string) => string
  readonly close: () => void
}

export type OpenTlsDeps = {
  readonly clock: Clock
  readonly logger: Logger
  readonly onFailedHandshake: () => void
}

const nobody: readonly X509Certificate[] = []

/** Rejects when the files cannot serve. Without a configuration everything is plain http. */
export async function openTls(config: TlsConfig | null, deps: OpenTlsDeps): Promise<OpenTls> {
  if (config === null) {
    return {
      listener: undefined,
      authorities: () => nobody,
      problem: () => null,
      addressOf: (url) => url,
      close: () => {},
    }
  }
  const { clock, logger } = deps
  const made: { listener?: TlsListener } = {}
  const files = await openTlsFiles({
    files: config,
    clock,
    onRenewed: (texts) => {
      made.listener?.renew(texts)
      logger.info({}, 'certificate files of the listener renewed')
    },
    onProblem: (problem) => logger.error({ problem }, 'certificate files of the listener not renewed'),
  })
  const listener = createTlsListener(files.current(), config.client, deps.onFailedHandshake)
  made.listener = listener
  return {
    listener,
    authorities: files.authorities,
    problem: files.problem,
    addressOf: (url) => url.replace(/^http:/, 'https:'),
    close: files.close,
  }
}
