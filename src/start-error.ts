// What the system says when a start fails, in words that name the setting to change.
import type { Config, Listen } from './config.ts'

/** The same error for people; one that already speaks to them comes back as it is. */
export function explainStartError(error: unknown, config: Config): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const explain = (sentence: string): Error => new Error(sentence, { cause: error })
  if ('port' in error && typeof error.port === 'number') {
    const isAdmin = isAt(config.show.listen, error.port)
    const setting = isAdmin ? 'TOLLGATE_ADMIN_LISTEN' : 'TOLLGATE_LISTEN'
    const { host, port } = isAdmin ? config.show.listen : config.gateway.listen
    if (error.code === 'EADDRINUSE') {
      return explain(
        `\`${host}:${port}\` is in use: is another Tollgate running? set ${setting} to another address`,
      )
    }
    return explain(
      `cannot listen on \`${host}:${port}\` (${String(error.code)}): set ${setting} to an address of this machine`,
    )
  }
  const path = 'path' in error ? String(error.path) : ''
  const folder = [
    { path: config.dataDir, setting: 'TOLLGATE_DATA_DIR' },
    { path: config.policiesDir, setting: 'TOLLGATE_POLICIES_DIR' },
  ].find((one) => path === one.path || path.startsWith(`${one.path}/`) || one.path.startsWith(`${path}/`))
  if (folder === undefined || path === '') return error
  return explain(
    `\`${folder.path}\` cannot be used (${String(error.code)}): make it a folder this user may write, or set ${folder.setting}`,
  )
}

const isAt = (listen: Listen, port: number): boolean => listen.port === port
