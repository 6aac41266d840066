// Why the embedded ClickHouse did not start, in sentences that say what to do about it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineFailureReason } from './engine-messages.ts'

/** `died`: it ended by itself while starting; `timeout`: it was not ready in time. */
export type EngineErrorReason = EngineFailureReason | 'locked' | 'died' | 'timeout'

/** The embedded engine cannot run. The message is for people; `detail` has the engine's own last words. */
export class EmbeddedEngineError extends Error {
  readonly reason: EngineErrorReason
  readonly detail: string

  constructor(reason: EngineErrorReason, dataDir: string, detail: string) {
    super(explain(reason, dataDir, detail))
    this.name = 'EmbeddedEngineError'
    this.reason = reason
    this.detail = detail
  }
}

const elsewhere = 'set TOLLGATE_CLICKHOUSE_URL to use a ClickHouse server instead'

function explain(reason: EngineErrorReason, dataDir: string, detail: string): string {
  switch (reason) {
    case 'locked':
      return `the data folder \`${dataDir}\` is in use by ${holder(dataDir)}: stop it, or use another data folder`
    case 'platform': {
      const platform = `${process.platform}-${process.arch}`
      return `the embedded ClickHouse (chdb) has no build for this platform (\`${platform}\`): ${elsewhere}`
    }
    case 'caps':
      return `the embedded ClickHouse did not accept its memory limits (${detail}): ${elsewhere}`
    case 'open':
    case 'listen':
    case 'died':
    case 'timeout':
      return `the embedded ClickHouse did not start on the data folder \`${dataDir}\` (${reason}: ${detail}): check its permissions and free space, or ${elsewhere}`
  }
}

/** ClickHouse writes its process id into the folder it holds. */
function holder(dataDir: string): string {
  try {
    const pid = /^PID: (\d+)/m.exec(readFileSync(join(dataDir, 'status'), 'utf8'))?.[1]
    if (pid !== undefined) return `the process ${pid}`
  } catch {
    // Gone already, or not readable for us: the sentence works without the number.
  }
  return 'another process'
}
