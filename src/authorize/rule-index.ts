// Which rules could possibly match a request, found without looking at the others. The answer may be too wide
// (Casbin still judges each rule) but never too narrow: that is what the differential test holds.
import type { Steps } from '../kernel/turns.ts'
import { groupOf } from './vocabulary.ts'

/** A rule as Casbin holds it. Casbin's types want it mutable; nobody changes it. */
export type RuleRow = [sub: string, dom: string, act: string, obj: string, eft: string]

export type RuleIndex = {
  /** Candidates for the request, in file order, limited to subjects in `closure` (or `*`). */
  readonly find: (
    closure: ReadonlySet<string>,
    dom: string,
    act: string,
    obj: string,
  ) => readonly NumberedRule[]
  /** Every rule of this team and action, whoever and whatever it is about; for explanations. */
  readonly about: (dom: string, act: string) => readonly RuleRow[]
}

/** Rules of one team and one action pattern, reachable by object. */
type Bucket = {
  readonly all: NumberedRule[]
  readonly exact: Map<string, NumberedRule[]>
  /** By the text before the `*`; the lengths that occur tell which prefixes of an object to look up. */
  readonly prefixes: Map<string, NumberedRule[]>
  readonly prefixLengths: number[]
}

/** A rule and its place among the rules of the file. */
export type NumberedRule = { readonly at: number; readonly row: RuleRow }

/** Team or `*` -> action pattern -> bucket. Maps in maps: no joined key that two pairs of words could share. */
type Buckets = Map<string, Map<string, Bucket>>

/** Builds the index once; it costs some microseconds per rule, and may pause after each. */
export function* createRuleIndex(rows: readonly RuleRow[]): Steps<RuleIndex> {
  const buckets: Buckets = new Map()
  for (const [at, row] of rows.entries()) {
    addRule(buckets, { at, row })
    yield
  }
  return {
    find: (closure, dom, act, obj) => {
      const found: NumberedRule[] = []
      for (const bucket of bucketsOf(buckets, dom, act)) {
        collect(found, bucket.exact.get(obj), closure)
        for (const length of bucket.prefixLengths) {
          if (length <= obj.length) collect(found, bucket.prefixes.get(obj.slice(0, length)), closure)
        }
      }
      return inFileOrder(found)
    },
    about: (dom, act) =>
      inFileOrder(bucketsOf(buckets, dom, act).flatMap((bucket) => bucket.all)).map(({ row }) => row),
  }
}

/** The at most six places where a rule that matches this team and action can be. */
function bucketsOf(buckets: Buckets, dom: string, act: string): readonly Bucket[] {
  const found: Bucket[] = []
  const group = `${groupOf(act)}.*`
  const add = (byAction: Map<string, Bucket> | undefined): void => {
    const exact = byAction?.get(act)
    const ofGroup = byAction?.get(group)
    const any = byAction?.get('*')
    if (exact !== undefined) found.push(exact)
    if (ofGroup !== undefined) found.push(ofGroup)
    if (any !== undefined) found.push(any)
  }
  if (dom !== '*') add(buckets.get(dom))
  add(buckets.get('*'))
  return found
}

function addRule(buckets: Buckets, rule: NumberedRule): void {
  const [, dom, act, obj] = rule.row
  const byAction = valueAt(buckets, dom, newBuckets)
  const bucket = valueAt(byAction, act, newBucket)
  bucket.all.push(rule)
  const isPrefix = obj.endsWith('*')
  const text = isPrefix ? obj.slice(0, -1) : obj
  if (isPrefix && !bucket.prefixLengths.includes(text.length)) bucket.prefixLengths.push(text.length)
  valueAt(isPrefix ? bucket.prefixes : bucket.exact, text, newList).push(rule)
}

function valueAt<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

const newBuckets = (): Map<string, Bucket> => new Map()
const newBucket = (): Bucket => ({ all: [], exact: new Map(), prefixes: new Map(), prefixLengths: [] })
const newList = (): NumberedRule[] => []

function collect(
  found: NumberedRule[],
  rules: readonly NumberedRule[] | undefined,
  closure: ReadonlySet<string>,
): void {
  if (rules === undefined) return
  for (const rule of rules) {
    const [sub] = rule.row
    if (sub === '*' || closure.has(sub)) found.push(rule)
  }
}

function inFileOrder(found: NumberedRule[]): readonly NumberedRule[] {
  return found.length > 1 ? found.sort(byNumber) : found
}

const byNumber = (left: NumberedRule, right: NumberedRule): number => left.at - right.at
