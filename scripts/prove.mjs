// `npm run prove:ledger [-- worlds]`: the proof of `test/proof` over many worlds, 10,000 unless told otherwise; a world takes
// a second or two. PROOF_SEED repeats a run.
import { ensureInstalled } from './install.mjs'
import { runTool } from './run-tool.mjs'

const worlds = process.argv[2] ?? '10000'
if (/^[1-9]\d{0,6}$/.test(worlds)) {
  await ensureInstalled()
  process.env.PROOF_WORLDS = worlds
  process.exitCode = await runTool('vitest', ['run', 'test/proof'])
} else {
  process.stderr.write(`tollgate: \`${worlds}\` is no number of worlds\n`)
  process.exitCode = 2
}
