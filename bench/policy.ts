// `npm run bench -- policy`: what the policy engine costs and whether it is right, each figure beside its bar.
//
// Medians over rounds, in one process without the gateway. Ends with 1 when a bar does not hold.
// Options: --quick (fewer reloads and pairs).
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { measureAgreement } from './policy/agreement.ts'
import { measureDecisions } from './policy/decisions.ts'
import { report } from './policy/figures.ts'
import { measureIdentification } from './policy/identification.ts'
import { measureReloads } from './policy/reloads.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const modelText = readFileSync(new URL('../policies/model.conf', import.meta.url), 'utf8')

const startMs = performance.now()
let allHold = true
const phase = async (figures: Promise<readonly Parameters<typeof report>[0][]>): Promise<void> => {
  for (const figure of await figures) allHold = report(figure) && allHold
  console.log('')
}
for (const ruleCount of [10, 1_000, 10_000]) await phase(measureDecisions(modelText, ruleCount))
await phase(measureIdentification())
await phase(measureReloads(modelText, 10_000, values.quick ? 10 : 100))
await phase(measureAgreement(values.quick ? 1_000 : 10_000))
const { user, system } = process.cpuUsage()
const share = (user + system) / 1000 / (performance.now() - startMs)
// One thread that never waits for long: what is missing was given to others.
if (share < 0.8)
  console.log(`this process had ${Math.round(share * 100)} % of a core: the machine is busy, run it again`)
console.log(allHold ? 'every bar holds' : 'a bar does not hold')
process.exitCode = allHold ? 0 : 1
