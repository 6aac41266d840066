// The result for people: Markdown, a table for each section, as it is printed and as it is kept.
import { type ArmName, armNames } from '../arms/arm.ts'
import { type Figure, judge, type Measured, slackLimit } from './figure.ts'
import type { Section } from './section.ts'

/** One table a section, each with the arms that have a figure in it; aligned, so that it can be read as it is. */
export function renderSections(sections: readonly Section[]): string {
  return sections.map((section) => `## ${section.title}\n\n${renderTable(section.figures)}\n`).join('\n')
}

/** Medians over the rounds, the best round in brackets where it says more. */
function renderTable(figures: readonly Figure[]): string {
  const arms = armNames.filter((arm) => figures.some(({ of }) => of[arm] !== undefined))
  const head = ['', 'unit', ...arms, 'goal', '1.5x', 'verdict']
  const isRight = head.map((_, at) => at > 1 && at < head.length - 1)
  const rows = figures.map((figure) => renderRow(figure, arms))
  const widths = head.map((_, at) => Math.max(3, ...[head, ...rows].map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => pad(cells[at] ?? '', width, isRight[at] ?? false)).join(' | ')} |`
  const rule = widths.map((width, at) => (isRight[at] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

function renderRow(figure: Figure, arms: readonly ArmName[]): readonly string[] {
  const { name, unit, of, goal } = figure
  const sign = goal?.better === 'more' ? '≥' : '≤'
  return [
    name,
    unit,
    ...arms.map((arm) => renderMeasured(of[arm])),
    goal === null ? '' : `${sign} ${renderNumber(goal.limit)}`,
    goal === null ? '' : renderNumber(slackLimit(goal)),
    judge(figure),
  ]
}

function renderMeasured(measured: Measured | undefined): string {
  if (measured === undefined) return ''
  const { median, best } = measured
  const [text, bestText] = [renderNumber(median), renderNumber(best)]
  return text === bestText ? text : `${text} [${bestText}]`
}

function renderNumber(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e6) return `${(value / 1e6).toFixed(2)} M`
  if (size >= 100) return String(Math.round(value))
  return value.toFixed(size >= 10 ? 1 : 2)
}

function pad(text: string, width: number, isRight: boolean): string {
  return isRight ? text.padStart(width) : text.padEnd(width)
}
