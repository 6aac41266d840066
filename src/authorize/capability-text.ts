// The capabilities of one decision as audit keeps them: short enough for every row, exact or marked as not.
import type { Capability } from './permit.ts'

const lengthMax = 2_048
/** Stands at the end of a text that does not hold all. */
export const cutMark = '…'

/**
 * One `action object` a line. What does not fit, or could not be read back, is left out, and the text ends in `…`; so it
 * does when the capabilities are known to be not all.
 */
export function writeCapabilities(capabilities: readonly Capability[], isPartial = false): string {
  let text = ''
  for (const { action, object } of capabilities) {
    const line = `${text === '' ? '' : '\n'}${action} ${object}`
    if (text.length + line.length > lengthMax || /[^\x21-\x7e]/.test(object)) return `${text}\n${cutMark}`
    text += line
  }
  return isPartial ? `${text}\n${cutMark}` : text
}

/** What was written, or null when the text is empty or does not hold all of it. */
export function readCapabilities(text: string): readonly Capability[] | null {
  if (text === '' || text.endsWith(cutMark)) return null
  return text.split('\n').map((line) => {
    const space = line.indexOf(' ')
    return { action: line.slice(0, space), object: line.slice(space + 1) }
  })
}
