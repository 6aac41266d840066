// How a rule's action and object are compared with a request's: letter by letter, with at most one `*`, at the end.
// There is no regular expression made from policy text, so no rule can be slow or mean more than it says.

/** `*` is everything, `session.*` every action on sessions, anything else itself alone. */
export function matchesAction(action: string, pattern: string): boolean {
  return matchesTail(action, pattern)
}

/** `*` is everything, `agent/*` every agent, `agent/team_a*` those that begin so, anything else itself alone. */
export function matchesObject(object: string, pattern: string): boolean {
  return matchesTail(object, pattern)
}

function matchesTail(text: string, pattern: string): boolean {
  if (!pattern.endsWith('*')) return text === pattern
  return text.startsWith(pattern.slice(0, -1))
}
