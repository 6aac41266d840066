// The parts of a run: what `--only` names.

/** Every part by name, in the order they are measured, with the line that `--help` has for it. */
export const parts = {
  start: '`npm start` to ready',
  get: 'GET 1 KB: CPU, rate, latency',
  post: 'POST 2 KB, a message: CPU, rate, latency',
  pinned: 'POST 2 KB, a session on a pinned agent: CPU, rate, latency',
  post50: 'POST 50 KB, a message: CPU, rate',
  agent50: 'POST 50 KB, an agent with a long prompt: CPU, rate',
  idle: 'memory at rest, and of 1,000, 5,000 and 10,000 silent streams',
  sse: 'first byte, first event, and how late each event comes',
  events: 'events a second on one core: paced single writes, and a burst',
  stalled: 'memory of streams that nobody reads',
} as const

export type PartName = keyof typeof parts

function isPartName(text: string): text is PartName {
  return Object.hasOwn(parts, text)
}

export const partNames: readonly PartName[] = Object.keys(parts).filter(isPartName)
