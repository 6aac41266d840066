// Names with `*`, as people write them in pins.yaml. Never a regular expression: the text is somebody's.

/** Whether `text` is the pattern, each `*` of which stands for any characters or none. Linear for one star; bounded by pattern times text. */
export function matchesPattern(pattern: string, text: string): boolean {
  let [at, textAt, star, starText] = [0, 0, -1, 0]
  while (textAt < text.length) {
    if (pattern[at] === '*') {
      star = at++
      starText = textAt
    } else if (pattern[at] === text[textAt]) {
      at++
      textAt++
    } else if (star >= 0) {
      at = star + 1
      textAt = ++starText
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
