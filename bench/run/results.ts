// What a run leaves behind: figures with their rounds, goals and verdicts as JSON, and the same for people as Markdown.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { judge } from '../figures/figure.ts'
import type { Section } from '../figures/section.ts'
import { renderSections } from '../figures/table.ts'
import { type Machine, renderMachine } from '../machine/machine.ts'

export type Results = {
  readonly measuredAt: Date
  readonly seconds: number
  /** As a person would type it. */
  readonly command: string
  readonly machine: Machine
  readonly notes: readonly string[]
  readonly sections: readonly Section[]
}

const reading = `Medians over the rounds, the best round in brackets. A ratio is that of the same round, in the median; in brackets that of
the two best rounds. Each proxy has one core, load and upstream share the other; every arm is asked in turn. Absolute
times drift with the machine's other tenants: compare within one table only. \`goal\` is what the gateway is to reach,
judged by its median; \`tollgate\` is the gateway complete, its CPU that of the process which takes the requests, with
its drain and its ledger engine in lines of their own. Portkey's gateway is asked for event streams as it knows them, by
a POST with \`stream: true\`: then it reads the events, as the gateway must; the answer to a GET it passes on unread.`

/** The whole as Markdown, as it is printed too. */
export function renderResults({ measuredAt, seconds, command, machine, notes, sections }: Results): string {
  const when = measuredAt.toISOString().slice(0, 16).replace('T', ' ')
  const kept = notes.length === 0 ? '' : `\n${notes.map((note) => `- ${note}`).join('\n')}\n`
  return `# Benchmark

\`${command}\`, ${when} UTC, ${Math.round(seconds / 60)} minutes, on
${renderMachine(machine)}.

${reading}
${kept}
${renderSections(sections)}`
}

/** Writes `<name>.json` and `<name>.md`; returns the path of the latter. */
export function writeResults(folder: string, name: string, results: Results): string {
  const { measuredAt, seconds, command, machine, notes, sections } = results
  const judged = sections.map((section) => ({
    ...section,
    figures: section.figures.map((figure) => ({ ...figure, verdict: judge(figure) })),
  }))
  const json = {
    measured_at: measuredAt.toISOString(),
    seconds: Math.round(seconds),
    command,
    machine,
    notes,
    sections: judged,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(json, shortNumbers, 2)}\n`)
  const path = join(folder, `${name}.md`)
  writeFileSync(path, renderResults(results))
  return path
}

/** Six digits are more than any of this is true to. */
function shortNumbers(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value
}
