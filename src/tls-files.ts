// The listener's certificate, key and authorities as files that are renewed while it serves: good ones are taken over
// within a second, with others the last good ones serve on and readiness says so.
import type { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { TlsConfig } from './config-tls.ts'
import type { Clock } from './kernel/clock.ts'
import { faultOfTls, readCertificates, type TlsTexts } from './tls-texts.ts'
import { codeOf } from './watched-files.ts'

export type TlsFiles = {
  readonly current: () => TlsTexts
  /** Who may vouch for client certificates; a new array whenever the file changed. */
  readonly authorities: () => readonly X509Certificate[]
  /** Why the files as they are now do not serve, or that the certificate has expired; null when all is well. */
  readonly problem: () => string | null
  /** Looks at the files now instead of at the next turn. Never rejects. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

export type TlsFilesOptions = {
  readonly files: TlsConfig
  readonly clock: Clock
  /** Serves with the renewed files from now on. When it throws, they are not taken. */
  readonly onRenewed: (texts: TlsTexts) => void
  /** Told once of each problem. */
  readonly onProblem: (problem: string) => void
  /** How often the files are read. */
  readonly intervalMs?: number
}

type Taken = {
  readonly texts: TlsTexts
  readonly authorities: readonly X509Certificate[]
  readonly endsMs: number
}

/** Reads the files and keeps reading them. Rejects when they cannot serve now. */
export async function openTlsFiles(options: TlsFilesOptions): Promise<TlsFiles> {
  const { files, clock } = options
  let current = await take(files)
  let problem: string | null = null
  let turn: Promise<void> = Promise.resolve()

  const look = async (): Promise<void> => {
    try {
      const found = await take(files)
      if (!isSame(found.texts, current.texts)) {
        options.onRenewed(found.texts)
        // The authorities of one array are asked once: only others make others of it.
        const sameCa = found.texts.clientCaPem === current.texts.clientCaPem
        current = sameCa ? { ...found, authorities: current.authorities } : found
      }
      problem = null
    } catch (error) {
      const found = error instanceof Error ? error.message : 'cannot be used'
      if (found !== problem) options.onProblem(found)
      problem = found
    }
  }
  // One look after the other: a slow one must not bring back what a later one has replaced.
  const refresh = (): Promise<void> => {
    turn = turn.then(look)
    return turn
  }
  const timer = setInterval(() => void refresh(), options.intervalMs ?? 1_000)
  timer.unref()
  return {
    current: () => current.texts,
    authorities: () => current.authorities,
    problem: () => problem ?? (current.endsMs <= clock.nowMs() ? 'the certificate has expired' : null),
    refresh,
    close: () => clearInterval(timer),
  }
}

async function take({ certFile, keyFile, clientCaFile }: TlsConfig): Promise<Taken> {
  const texts = {
    certPem: await readText(certFile),
    keyPem: await readText(keyFile),
    clientCaPem: clientCaFile === null ? null : await readText(clientCaFile),
  }
  const fault = faultOfTls(texts)
  if (fault !== null) {
    const path = { cert: certFile, key: keyFile, clientCa: clientCaFile }[fault.in]
    throw new Error(`\`${path}\` ${fault.reason}`)
  }
  const [leaf] = readCertificates(texts.certPem) ?? []
  return {
    texts,
    authorities: readCertificates(texts.clientCaPem ?? '') ?? [],
    endsMs: Date.parse(leaf?.validTo ?? ''),
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new Error(`\`${path}\` cannot be read (${codeOf(cause)})`, { cause })
  }
}

const isSame = (one: TlsTexts, other: TlsTexts): boolean =>
  one.certPem === other.certPem && one.keyPem === other.keyPem && one.clientCaPem === other.clientCaPem
