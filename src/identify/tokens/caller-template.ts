// Caller names made of claims: `gh-{repository}`. What a claim says becomes part of a name only when it fits in one.
import { namePattern } from '../name-pattern.ts'

const placeholder = /\{([^\s{}*]{1,128})\}/g

/** The claims a template asks for; none for a plain name, and none for one whose braces do not pair. */
export function claimsInTemplate(template: string): readonly string[] {
  if (/[{}]/.test(template.replace(placeholder, ''))) return []
  return [...template.matchAll(placeholder)].map((match) => match[1] ?? '')
}

/** What every name made by the template begins with. */
export function literalStart(template: string): string {
  return template.split('{')[0] ?? ''
}

/**
 * The caller's name; null when a claim is missing, is no single value, or does not fit in a name.
 * Letters become lower-case, `/` and `:` become `.`; nothing else is replaced, so that few different claims can ever
 * make the same name.
 */
export function fillTemplate(template: string, claimOf: (name: string) => unknown): string | null {
  let fits = true
  const filled = template.replace(placeholder, (_whole, claim: string) => {
    const value = claimOf(claim)
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
    const part = text.toLowerCase().replace(/[/:]/g, '.')
    if (!/^[a-z0-9._-]+$/.test(part)) fits = false
    return part
  })
  return fits && namePattern.test(filled) ? filled : null
}
