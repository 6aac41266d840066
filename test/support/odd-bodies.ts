// Random request bodies for fuzzing: the shapes of the API written in every way JSON allows, with members that do not
// belong, and bytes broken at random.
import fc from 'fast-check'

/** Written JSON, before it is bytes. */
type Written = fc.Arbitrary<string>

const blank: Written = fc.constantFrom('', '', '', '', ' ', '\n', '\t ', '\r\n')

/** A string in one of its many spellings: any character may stand as an escape. */
const spelled = (text: fc.Arbitrary<string>): Written =>
  fc.tuple(text, fc.constantFrom(0, 0, 0, 1, 3), fc.boolean()).map(([plain, every, isUpper]) => {
    if (every === 0) return JSON.stringify(plain)
    const marks = [...Array(plain.length).keys()].map((at) => {
      const code = plain.charCodeAt(at).toString(16).padStart(4, '0')
      return at % every === 0
        ? `\\u${isUpper ? code.toUpperCase() : code}`
        : JSON.stringify(plain[at]).slice(1, -1)
    })
    return `"${marks.join('')}"`
  })

const number: Written = fc.constantFrom(
  ...['0', '-0', '1', '3', '3.0', '3e0', '30e-1', '1e400', '-1e400', '12345678901234567890', '0.1'],
  ...['9007199254740993', '2.9999999999999999999'],
)
const odd: Written = fc.constantFrom('null', 'true', 'false', '{}', '[]', '""', '[3]', '"3"')
const text: Written = spelled(
  fc.oneof(
    fc.constantFrom(
      'a',
      'agent',
      '":{}[],',
      '\u2028',
      'é',
      '😀',
      '\ud800',
      '\0',
      '__proto__',
      'tollgate_owner',
    ),
    fc.string({ unit: 'binary', maxLength: 6 }),
  ),
)

/** Names of the API, names that look like them, and names JavaScript knows. */
const strangeKey = fc.constantFrom(
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '0', 'x', 'Agent', 'agent ', 'METADATA'],
  ...['ａgent', 'metadata\u200b', 'é', 'a\0', '\ud83d', '":'],
)

const listed = (item: Written): Written =>
  fc
    .tuple(fc.array(item, { maxLength: 3 }), blank)
    .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}${gap}]`)

/** An object of some of these members, in any order, now and then with one twice or a strange one. */
function object(members: { readonly [name: string]: Written }): Written {
  const own = Object.entries(members).map(([name, value]) =>
    fc.tuple(spelled(fc.constant(name)), fc.oneof({ arbitrary: value, weight: 12 }, odd)),
  )
  const strange = fc.tuple(spelled(strangeKey), fc.oneof(odd, number, text))
  const [first = strange, ...others] = own
  return fc
    .tuple(
      fc
        .shuffledSubarray([...own], { minLength: Math.min(own.length, 1) })
        .chain((some) => fc.tuple(...some)),
      fc.oneof(
        { arbitrary: fc.constant([]), weight: 12 },
        { arbitrary: fc.array(strange, { maxLength: 2 }), weight: 3 },
        { arbitrary: fc.oneof(first, ...others).map((again) => [again]), weight: 1 },
      ),
      blank,
      blank,
    )
    .map(
      ([some, more, gap, gap2]) =>
        `${gap}{${[...some, ...more].map(([name, value]) => `${gap2}${name}${gap}:${gap2}${value}`).join(`${gap},`)}${gap2}}`,
    )
}

const idOf = (kind: string): Written => spelled(fc.constantFrom(`${kind}_1`, `${kind}_1`, `${kind}_theirs`))
const word = (...words: readonly string[]): Written => spelled(fc.constantFrom(...words))
const metadata = object({ a: text, b: text, tollgate: text })
const block = fc.oneof(
  object({ type: word('text'), text }),
  object({ type: word('image'), source: object({ type: word('file'), file_id: idOf('file') }) }),
)
const event = object({ type: word('user.message', 'user.interrupt'), content: listed(block) })
const version: Written = fc.oneof({ arbitrary: fc.constantFrom('1', '3'), weight: 3 }, number)
const model = word('claude-sonnet-5-5', 'claude-opus-5')
const tool = fc.oneof(
  object({ type: word('agent_toolset_20260401') }),
  object({
    type: word('custom'),
    name: word('look'),
    input_schema: object({ type: word('object'), x: text }),
  }),
)
const agent = fc.oneof(
  idOf('agent'),
  object({ type: word('agent'), id: idOf('agent'), version }),
  object({ type: word('agent_with_overrides'), id: idOf('agent'), version, model, tools: listed(tool) }),
)

/** Bodies by operation, as text. */
export const bodies: { readonly [operationId: string]: Written } = {
  'sessions.create': object({
    agent,
    environment_id: idOf('environment'),
    title: text,
    metadata,
    vault_ids: listed(idOf('vault')),
    resources: listed(object({ type: word('file'), file_id: idOf('file') })),
    initial_events: listed(event),
  }),
  'agents.create': object({
    name: text,
    model: fc.oneof(model, object({ id: model, speed: word('standard', 'fast') })),
    system: text,
    tools: listed(tool),
    skills: listed(object({ type: word('custom'), skill_id: idOf('skill'), version: word('1') })),
    metadata,
    multiagent: object({ type: word('coordinator'), agents: listed(agent) }),
  }),
  'sessions.events.send': object({ events: listed(event) }),
}

type Break = {
  readonly how: 'set' | 'insert' | 'drop' | 'repeat'
  readonly at: number
  readonly byte: number
}

const breaks: fc.Arbitrary<readonly Break[]> = fc.oneof(
  { arbitrary: fc.constant([]), weight: 3 },
  {
    arbitrary: fc.array(
      fc.record({
        how: fc.constantFrom('set', 'insert', 'drop', 'repeat'),
        at: fc.nat(),
        byte: fc.oneof(
          fc.constantFrom(...Buffer.from('"\\{}[],: \n0eE+-.u\0/*')),
          fc.constantFrom(0x0b, 0x85, 0xa0, 0xc0, 0xc2, 0xed, 0xef, 0xf4, 0xff),
          fc.nat(255),
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    weight: 2,
  },
)

/** The bytes of a body, as they are or broken in up to three places. */
export function bytesOf(body: Written): fc.Arbitrary<Buffer> {
  return fc.tuple(body, breaks).map(([whole, all]) => all.reduce(broken, Buffer.from(whole)))
}

function broken(bytes: Buffer, { how, at, byte }: Break): Buffer {
  const place = at % (bytes.length + 1)
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)]
  if (how === 'insert') return Buffer.concat([before, Buffer.of(byte), after])
  if (how === 'set') return Buffer.concat([before, Buffer.of(byte), after.subarray(1)])
  if (how === 'drop') return Buffer.concat([before, after.subarray(1 + (byte % 8))])
  return Buffer.concat([before, after.subarray(0, byte % 40), after])
}
