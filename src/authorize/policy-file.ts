// `policies/policy.csv` as a whole: every line clear, no line twice, no circle of roles, at least one rule.
// The format stays Casbin's own, so that any Casbin tool can read the file too.
import { PolicyFileError } from '../kernel/errors.ts'
import { runAtOnce, type Steps } from '../kernel/turns.ts'
import { type PolicyRule, type RoleLink, readPolicyLine } from './policy-line.ts'
import type { Fail } from './policy-words.ts'
import { checkLinks } from './role-links.ts'

export type { PolicyRule, RoleLink }

export type Policy = {
  readonly file: string
  readonly rules: readonly PolicyRule[]
  readonly links: readonly RoleLink[]
  /** Role names without `role:`, for the directory to check against. */
  readonly roles: ReadonlySet<string>
}

/** Parses and lints a policy. Throws PolicyFileError at the first line that is not exactly clear. */
export function parsePolicy(text: string, file: string): Policy {
  return runAtOnce(parsePolicySteps(text, file))
}

/** `parsePolicy` as work that may pause after every line. */
export function* parsePolicySteps(text: string, file: string): Steps<Policy> {
  return yield* readSteps(text, file, (fault) => {
    throw fault
  })
}

/** Everything that is wrong with a policy, in the order of its lines; nothing when `parsePolicy` takes it. */
export function findPolicyFaults(text: string, file: string): readonly PolicyFileError[] {
  const faults: PolicyFileError[] = []
  runAtOnce(readSteps(text, file, (fault) => void faults.push(fault)))
  return faults.sort((left, right) => left.line - right.line)
}

function* readSteps(text: string, file: string, onFault: (fault: PolicyFileError) => void): Steps<Policy> {
  const rules: PolicyRule[] = []
  const links: RoleLink[] = []
  const roles = new Set<string>()
  const firstLines = new Map<string, number>()
  const noteRoles = (...subjects: readonly string[]): void => {
    for (const sub of subjects) if (sub.startsWith('role:')) roles.add(sub.slice('role:'.length))
  }
  const readOne = (content: string, line: number): void => {
    const fail: Fail = (reason) => {
      throw new PolicyFileError(file, line, reason)
    }
    const said = readPolicyLine(content, line, fail)
    const same = firstLines.get(said.key)
    if (same !== undefined) fail(`repeats line ${same}; remove one of them`)
    firstLines.set(said.key, line)
    if (said.kind === 'rule') {
      rules.push(said.rule)
      noteRoles(said.rule.sub)
    } else {
      links.push(said.link)
      noteRoles(said.link.sub, said.link.role)
    }
  }
  const attempt = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      if (!(error instanceof PolicyFileError)) throw error
      onFault(error)
    }
  }
  let lines = 0
  for (const [at, source] of text.split('\n').entries()) {
    const content = source.trim()
    if (content === '' || content.startsWith('#')) continue
    lines += 1
    attempt(() => readOne(content, at + 1))
    yield
  }
  // A file in which every rule is wrong has been told so already.
  if (rules.length === 0 && lines === links.length) {
    onFault(new PolicyFileError(file, 0, 'there is no `p` rule: nobody could do anything'))
  }
  attempt(() => checkLinks(links, file))
  return { file, rules, links, roles }
}
