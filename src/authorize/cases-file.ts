// `policies/cases.csv`: what the policy must answer, written down by the people who review it.
// The cases run whenever a policy is loaded; a policy that fails one of its own cases is not used.
import { PolicyFileError } from '../kernel/errors.ts'

export type PolicyCase = {
  readonly line: number
  /** `*` stands for a team that no rule names. */
  readonly team: string
  readonly roles: readonly string[]
  readonly action: string
  readonly object: string
  readonly expected: 'allow' | 'deny'
}

const header = 'team,roles,action,object,expected'

/** Parses the cases: a header, then one case a line; several roles are separated by `+`. Throws PolicyFileError. */
export function parseCases(text: string, file: string): readonly PolicyCase[] {
  const cases: PolicyCase[] = []
  let hasHeader = false
  for (const [at, source] of text.split('\n').entries()) {
    const content = source.trim()
    if (content === '' || content.startsWith('#')) continue
    const cells = content.split(',').map((cell) => cell.trim())
    if (!hasHeader) {
      if (cells.join() !== header)
        throw new PolicyFileError(file, at + 1, `the first line must be \`${header}\``)
      hasHeader = true
      continue
    }
    cases.push(readCase(cells, at + 1, file))
  }
  return cases
}

function readCase(cells: readonly string[], line: number, file: string): PolicyCase {
  const [team = '', roles = '', action = '', object = '', expected = ''] = cells
  if (cells.length !== 5 || cells.includes('')) {
    throw new PolicyFileError(file, line, `a case has 5 columns: \`${header}\``)
  }
  if (expected !== 'allow' && expected !== 'deny') {
    throw new PolicyFileError(file, line, `\`${expected}\`: a case expects \`allow\` or \`deny\``)
  }
  return { line, team, roles: roles.split('+'), action, object, expected }
}
