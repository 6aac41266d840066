// `npm start`: makes the clone runnable, then is the gateway. One process, and package.json says `exec`, so that a
// signal sent to npm or to its group reaches the gateway itself and not a shell in between.
import { ensureInstalled } from './install.mjs'

await ensureInstalled()
process.argv.splice(2, 0, 'start')
await import('../bin/tollgate.mjs')
