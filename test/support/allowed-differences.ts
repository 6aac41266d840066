// What may differ between a call made directly and the same call made through Tollgate. Nothing else may.
// `docs/transparency.md` says the same in words; a test holds the two together.
import { createHash } from 'node:crypto'
import { answerReaders } from '../../src/tap/answer-readers.ts'
import { operations } from '../../src/upstream/operations.ts'
import { holdsAddress } from '../../src/upstream/own-addresses.ts'
import type { WireAnswer } from './wire-client.ts'
import { type Header, headerOf, type WireMessage } from './wire-reader.ts'

/** Request headers that are not the client's any more when they go up. */
export const allowedInRequests: ReadonlySet<string> = new Set([
  // The credential.
  ...['authorization', 'x-api-key'],
  // The address.
  'host',
  // One hop each, the framing of the body with them.
  ...[
    'connection',
    'keep-alive',
    'transfer-encoding',
    'content-length',
    'te',
    'trailer',
    'expect',
    'upgrade',
  ],
  // Trace context: ours goes up.
  ...['traceparent', 'tracestate'],
])

/** Only where the tap reads the answer, or an address in it becomes ours: it must come plain and whole. */
export const allowedWhenTapped: ReadonlySet<string> = new Set(['accept-encoding', 'range', 'if-range'])

/** Response headers that are not the upstream's. */
export const allowedInAnswers: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'transfer-encoding', 'trailer'],
  ...['x-tollgate-trace-id', 'x-tollgate-pin', 'x-tollgate-budget', 'server-timing'],
])

/** Request lines whose answers are read here. */
const tappedLines: readonly RegExp[] = operations
  .filter(({ id }) => answerReaders.has(id) || id === 'messages.create' || holdsAddress(id))
  .map(({ method, pattern }) => new RegExp(`^${method} ${pattern.replaceAll(/:[a-z_]+/g, '[^/?]+')}[? ]`))

/** What one world recorded of one program. */
export type Recording = {
  readonly requests: readonly WireMessage[]
  readonly answers: readonly { readonly name: string; readonly answer: WireAnswer }[]
}

/** Everything in which `through` differs from `direct`, a line each; none when the proof holds. */
export function differencesOf(direct: Recording, through: Recording): readonly string[] {
  const requests = direct.requests.flatMap((request, at) => {
    const other = through.requests[at]
    return other === undefined ? [] : differencesOfRequests(`request ${at}`, request, other)
  })
  const answers = direct.answers.flatMap(({ name, answer }, at) => {
    const other = through.answers[at]
    if (other === undefined) return []
    return [
      ...differing(`answer ${at}`, [['name', name, other.name]]),
      ...differencesOfAnswers(`${name} (answer ${at})`, answer, other.answer),
    ]
  })
  const counts = differing('the number of', [
    ['requests', direct.requests.length, through.requests.length],
    ['answers', direct.answers.length, through.answers.length],
  ])
  return [...counts, ...requests, ...answers]
}

function differencesOfRequests(where: string, direct: WireMessage, through: WireMessage): readonly string[] {
  const isTapped = tappedLines.some((pattern) => pattern.test(direct.startLine))
  const kept = ({ headers }: WireMessage): readonly Header[] =>
    headers.filter(([raw]) => {
      const name = raw.toLowerCase()
      return !allowedInRequests.has(name) && !(isTapped && allowedWhenTapped.has(name))
    })
  return differing(`${where} ${direct.startLine}`, [
    ['line', direct.startLine, through.startLine],
    ['headers', kept(direct), kept(through)],
    ['whole', direct.isWhole(), through.isWhole()],
    ['body', digest(direct.body()), digest(through.body())],
    ...declaredLength(direct, through),
  ])
}

function differencesOfAnswers(where: string, direct: WireAnswer, through: WireAnswer): readonly string[] {
  if (direct.message === null || through.message === null) {
    return differing(where, [['answered', direct.message !== null, through.message !== null]])
  }
  const [mine, theirs] = [direct.message, through.message]
  return differing(where, [
    ['line', mine.startLine, theirs.startLine],
    ['headers', keptOfAnswer(mine), keptOfAnswer(theirs)],
    ['whole', mine.isWhole(), theirs.isWhole()],
    ['body', digest(mine.body()), digest(theirs.body())],
  ])
}

/** The two worlds are not at the same second: of a date only its place is compared. */
const keptOfAnswer = ({ headers }: WireMessage): readonly Header[] =>
  headers
    .filter(([name]) => !allowedInAnswers.has(name.toLowerCase()))
    .map(([name, value]) => (name.toLowerCase() === 'date' ? [name, 'some date'] : [name, value]))

/** Both may state a length, in other places of the head; then it is the same. */
function declaredLength(direct: WireMessage, through: WireMessage): readonly [string, unknown, unknown][] {
  const [mine, theirs] = [headerOf(direct, 'content-length'), headerOf(through, 'content-length')]
  return mine === '' || theirs === '' ? [] : [['length', mine, theirs]]
}

function differing(
  where: string,
  pairs: readonly (readonly [string, unknown, unknown])[],
): readonly string[] {
  return pairs.flatMap(([what, mine, theirs]) => {
    const [left, right] = [JSON.stringify(mine) ?? '', JSON.stringify(theirs) ?? '']
    if (left === right) return []
    const from = Math.max(0, [...left].findIndex((mark, at) => mark !== right[at]) - 40)
    return [
      `${where} ${what}: direct …${left.slice(from, from + 200)}, through …${right.slice(from, from + 200)}`,
    ]
  })
}

/** Short bodies in full, so that a difference can be read. */
const digest = (body: Buffer): string =>
  body.length <= 4_000
    ? body.toString('latin1')
    : `${body.length} bytes, sha256 ${createHash('sha256').update(body).digest('hex')}`
