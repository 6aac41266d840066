// `policies/model.conf`, held to the one shape whose meaning we can vouch for. Casbin evaluates a misspelled name
// as `undefined` (and `undefined == undefined` allows everybody), and the rule index relies on the four conditions
// below; so those are required, and anything added may only narrow them.
import { PolicyFileError } from '../kernel/errors.ts'

const required = {
  request_definition: ['r', 'sub, dom, act, obj'],
  policy_definition: ['p', 'sub, dom, act, obj, eft'],
  role_definition: ['g', '_, _, _'],
  policy_effect: ['e', 'some(where (p.eft == allow)) && !some(where (p.eft == deny))'],
} as const

/** Every matcher must hold these, joined by `&&`. */
const conditions = [
  '(p.sub == "*" || g(r.sub, p.sub, r.dom))',
  '(p.dom == "*" || r.dom == p.dom)',
  'matchesAction(r.act, p.act)',
  'matchesObject(r.obj, p.obj)',
] as const

/** A condition an operator may add: one field compared with one text, e.g. `r.act != "vault.read"`. */
const addedCondition = /^[rp]\.(?:sub|dom|act|obj)[!=]="[^"]*"$/

/** Throws PolicyFileError when the model could mean anything but role-based rules with deny overriding allow. */
export function checkModel(text: string, file: string): void {
  const entries = readEntries(text, file)
  for (const [section, [key, expected]] of Object.entries(required)) {
    const entry = take(entries, section, key, file)
    if (squeeze(entry.value) !== squeeze(expected)) {
      throw new PolicyFileError(file, entry.line, `\`${key}\` must be \`${expected}\``)
    }
  }
  const matcher = take(entries, 'matchers', 'm', file)
  const parts = matcher.value.split('&&').map(squeeze)
  for (const condition of conditions) {
    if (!parts.includes(squeeze(condition))) {
      throw new PolicyFileError(file, matcher.line, `the matcher must require \`${condition}\``)
    }
  }
  const known = new Set(conditions.map(squeeze))
  const odd = parts.find((part) => !known.has(part) && !addedCondition.test(part))
  if (odd !== undefined) {
    throw new PolicyFileError(file, matcher.line, `\`${odd}\` is not a condition such as \`r.act != "x"\``)
  }
  const [left] = entries.values()
  if (left !== undefined) throw new PolicyFileError(file, left.line, 'this entry is not part of the model')
}

/**
 * The conditions by which an operator has narrowed the matcher, e.g. `r.act!="vault.read"`; none in the model as
 * shipped. The text has passed `checkModel`.
 */
export function readAddedConditions(text: string): readonly string[] {
  const matcher = take(readEntries(text, ''), 'matchers', 'm', '')
  const known = new Set(conditions.map(squeeze))
  return matcher.value
    .split('&&')
    .map(squeeze)
    .filter((part) => !known.has(part))
}

type Entry = { readonly value: string; readonly line: number }

/** `section::key` -> entry, reading the file as Casbin does: `#` and `;` begin a comment anywhere. */
function readEntries(text: string, file: string): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  let section = ''
  for (const [at, source] of text.split('\n').entries()) {
    const line = at + 1
    const content = source.replace(/[#;].*$/, '').trim()
    if (content === '') continue
    if (content.endsWith('\\')) throw new PolicyFileError(file, line, 'continued lines are not supported')
    const header = /^\[(\w+)\]$/.exec(content)?.[1]
    if (header !== undefined) {
      section = header
      continue
    }
    const equals = content.indexOf('=')
    if (equals === -1) throw new PolicyFileError(file, line, 'expected `key = value`')
    const name = `${section}::${content.slice(0, equals).trim()}`
    if (entries.has(name)) throw new PolicyFileError(file, line, `repeats \`${name}\``)
    entries.set(name, { value: content.slice(equals + 1).trim(), line })
  }
  return entries
}

function take(entries: Map<string, Entry>, section: string, key: string, file: string): Entry {
  const entry = entries.get(`${section}::${key}`)
  if (entry === undefined) throw new PolicyFileError(file, 0, `\`${key}\` is missing under \`[${section}]\``)
  entries.delete(`${section}::${key}`)
  return entry
}

/** Drops the whitespace around operators. What is left inside a name keeps it from being a known one. */
function squeeze(text: string): string {
  return text.replaceAll(/\s*([()&|=!,])\s*/g, '$1').trim()
}
