// A statement as a page a manager can read: Markdown, exact money, nothing left out in silence.
import type { Statement, StatementSum } from './statement.ts'

/** Renders the statement. Names are callers' own: whatever would be markup is not. */
export function renderStatement(statement: Statement): string {
  const { team, period, status, time } = statement
  const parts = [
    `# ${plain(team)}, ${period}`,
    status === 'closed'
      ? `Closed ${statement.closed_at}; lines ${statement.lines_hash.slice(0, 16)}…`
      : '**Not closed yet:** figures as of now, and they may change.',
    table(
      ['', 'USD'],
      [
        ['list price', statement.list_usd],
        ['after contract', statement.contracted_usd],
        ['**charged**', `**${statement.billed_usd}**`],
        ['of it corrections of earlier periods', statement.corrections_usd],
        ['cost centre', plain(statement.cost_centre)],
      ],
    ),
    statement.unpriced_lines === 0
      ? ''
      : `${statement.unpriced_lines} lines have no known price: they are charged nothing, and are not nothing.`,
    '## What was used',
    sums('SKU', statement.by_sku),
    '## Agents',
    sums('agent', statement.by_agent),
    '## Time',
    table(
      ['', 'hours'],
      [
        ['running, charged', hours(time.running_ms)],
        ['waiting for an answer', hours(time.waiting_ms)],
        ['idle', hours(time.idle_ms)],
        ['moved by the provider', hours(time.rescheduling_ms)],
      ],
    ),
    `Sessions: ${statement.sessions}.`,
    '## Dearest sessions',
    table(
      ['session', 'agent', 'tokens at list price, USD', 'running hours'],
      statement.top_sessions.map((each) => [
        plain(each.session_id),
        plain(each.agent_id),
        each.token_cost_usd,
        hours(each.running_ms),
      ]),
    ),
    '## Before',
    statement.trend.length === 0
      ? 'No earlier period is closed.'
      : table(
          ['period', 'charged, USD'],
          statement.trend.map(({ period: name, billed_usd }) => [name, billed_usd]),
        ),
    ...(statement.hints.length === 0
      ? []
      : ['## Worth a look', statement.hints.map((hint) => `- ${hint}`).join('\n')]),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

const sums = (title: string, rows: readonly StatementSum[]): string =>
  table(
    [title, 'quantity', '', 'list, USD', 'charged, USD'],
    rows.map(({ name, quantity, unit, list_usd, billed_usd }) => [
      plain(name),
      quantity,
      unit,
      list_usd,
      billed_usd,
    ]),
  )

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'None.'
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const hours = (ms: number): string => (ms / 3_600_000).toFixed(2)

/** Text that is text in Markdown and in what is made of it. */
const plain = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').replace(/[\\`*{}[\]<>#|!]/g, (sign) => `\\${sign}`)
