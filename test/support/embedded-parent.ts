// A gateway reduced to its engine, for tests that kill it: starts one on the folder named in its first argument,
// prints the engine's process id, and then just lives.
import { startEmbeddedClickHouse } from '../../src/ledger/embedded/supervisor.ts'
import { quietLogger } from './quiet-logger.ts'

const engine = await startEmbeddedClickHouse({ dataDir: process.argv[2] ?? '', logger: quietLogger })
process.stdout.write(`${engine.pid()}\n`)
