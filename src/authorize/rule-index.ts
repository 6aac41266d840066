// Which rules could possibly match a request, found without looking at the others. The answer may be too wide
// (Casbin still judges each rule) but never too narrow: that is what the differential test holds.
import { groupOf } from './vocabulary.ts'

/** A rule as Casbin holds it. Casbin's types want it mutable; nobody changes it. */
export type RuleRow = [sub: string, dom: string, act: string, obj: string, eft: string]

export type RuleIndex = {
  /** Candidates for the request, in file order, limited to subjects in `closure` (or `*`). */
  readonly find: (closure: ReadonlySet<string>, dom: string, act: string, obj: string) => RuleRow[]
  /** Every rule of this team and action, whoever and whatever it is about; for explanations. */
  readonly about: (dom: string, act: string) => readonly RuleRow[]
}

/** Rules of one team and one action pattern, reachable by object. */
type Bucket = {
  readonly all: Numbered[]
  readonly exact: Map<string, Numbered[]>
  /** By the text before the `*`; the lengths that occur tell which prefixes of an object to look up. */
  readonly prefixes: Map<string, Numbered[]>
  readonly prefixLengths: number[]
}

type Numbered = { readonly at: number; readonly row: RuleRow }

/** Builds the index once; it costs some microseconds per rule. */
export function createRuleIndex(rows: readonly RuleRow[]): RuleIndex {
  const buckets = new Map<string, Bucket>()
  for (const [at, row] of rows.entries()) addRule(buckets, { at, row })

  const bucketsOf = (dom: string, act: string): readonly Bucket[] =>
    keysOf(dom, act)
      .map((key) => buckets.get(key))
      .filter((bucket) => bucket !== undefined)

  return {
    find: (closure, dom, act, obj) => {
      const found: Numbered[] = []
      for (const bucket of bucketsOf(dom, act)) {
        collect(found, bucket.exact.get(obj), closure)
        for (const length of bucket.prefixLengths) {
          if (length <= obj.length) collect(found, bucket.prefixes.get(obj.slice(0, length)), closure)
        }
      }
      return inFileOrder(found)
    },
    about: (dom, act) => inFileOrder(bucketsOf(dom, act).flatMap((bucket) => bucket.all)),
  }
}

/** The six places where a rule that matches this team and action can be. A line break is in no team or action. */
function keysOf(dom: string, act: string): readonly string[] {
  const group = `${groupOf(act)}.*`
  return [`${dom}\n${act}`, `${dom}\n${group}`, `${dom}\n*`, `*\n${act}`, `*\n${group}`, '*\n*']
}

function addRule(buckets: Map<string, Bucket>, rule: Numbered): void {
  const [, dom, act, obj] = rule.row
  const key = `${dom}\n${act}`
  const bucket: Bucket = buckets.get(key) ?? newBucket()
  buckets.set(key, bucket)
  bucket.all.push(rule)
  const isPrefix = obj.endsWith('*')
  const text = isPrefix ? obj.slice(0, -1) : obj
  if (isPrefix && !bucket.prefixLengths.includes(text.length)) bucket.prefixLengths.push(text.length)
  const place = isPrefix ? bucket.prefixes : bucket.exact
  const rules = place.get(text)
  if (rules === undefined) place.set(text, [rule])
  else rules.push(rule)
}

function newBucket(): Bucket {
  return { all: [], exact: new Map(), prefixes: new Map(), prefixLengths: [] }
}

function collect(
  found: Numbered[],
  rules: readonly Numbered[] | undefined,
  closure: ReadonlySet<string>,
): void {
  if (rules === undefined) return
  for (const rule of rules) {
    const [sub] = rule.row
    if (sub === '*' || closure.has(sub)) found.push(rule)
  }
}

function inFileOrder(found: Numbered[]): RuleRow[] {
  return found.sort((left, right) => left.at - right.at).map(({ row }) => row)
}
