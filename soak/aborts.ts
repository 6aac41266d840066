// `npm run soak -- aborts [calls]`: ten thousand calls that break off at every phase, and what the gateway still holds then.
import { storm } from '../test/support/storm/storm.ts'

const calls = Number(process.argv[2] ?? 10_000)
const { cases, exchanges, faults, left, heapBytes } = await storm(calls)
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`

print(`${calls} calls, ${exchanges} exchanges\n`)
for (const [name, count] of cases) print(`${String(count).padStart(6)}  ${name}`)
const [warm, first, second] = heapBytes
print(`\nleft: ${JSON.stringify(left)}`)
print(`heap: ${kib(warm)} warm, ${kib(first)} after one half, ${kib(second)} after the other`)
for (const fault of new Set(faults)) print(`FAULT ${fault}`)

const { sightings: _seen, ...held } = left
const isClean = faults.length === 0 && Object.values(held).every((count) => count === 0)
const isFlat = second - first < 1024 * 1024
print(isClean && isFlat ? '\nnothing is left of them' : '\nNOT CLEAN')
process.exitCode = isClean && isFlat ? 0 : 1
