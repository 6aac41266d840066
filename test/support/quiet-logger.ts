// A logger for tests that do not read logs.
import type { EngineLogger } from '../../src/ledger/embedded/supervisor.ts'

const quiet = (): void => undefined
export const quietLogger: EngineLogger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
