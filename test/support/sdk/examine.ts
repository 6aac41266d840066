// Holds what a method answered against what it is declared to answer. Pages and streams are seen as the test walks them.
import type { Answer } from './answers.ts'
import { misfitsOfView } from './misfits.ts'
import { textOf } from './object-view.ts'
import { viewOf } from './type-view.ts'

/** What was found, by the method's name. */
export type Sights = {
  /** The most pages that one walk through a list has seen. */
  readonly pages: Map<string, number>
  /** The types of the events that its streams have yielded; an empty text for items that have none. */
  readonly streamed: Map<string, Set<string>>
  /** Where an answer is not what the SDK declares; none when all is well. */
  readonly misfits: string[]
}

/** A method's name with what it may answer. */
export type Declared = {
  readonly name: string
  readonly answers: readonly Answer[]
  /** What the same method of `client.beta` may answer; none for those themselves. */
  readonly betaAnswers: readonly Answer[]
}

/** Looks at `value` and writes into `sights` what is wrong with it. */
export function examine(sights: Sights, method: Declared, value: unknown): void {
  const kind = kindOf(value)
  if (!method.answers.some((answer) => answer.kind === kind)) {
    sights.misfits.push(`${method.name}: answered a ${kind}`)
  } else if (kind === 'value') hold(sights, method, kind, value)
  else if (kind === 'page') examinePage(sights, method, value, 1)
  else if (kind === 'stream') watchStream(sights, method, value)
}

/**
 * Holds one object against its declared type. Both clients send the same request where no beta header tells them
 * apart, so what `client` answers may have fields that only `client.beta` declares, if it is all that that declares.
 */
function hold(sights: Sights, method: Declared, kind: Answer['kind'], value: unknown): void {
  const against = (answers: readonly Answer[]) => {
    const answer = answers.find((each) => each.kind === kind)
    return answer === undefined ? undefined : misfitsOfAnswer(value, answer, method.name)
  }
  const misfits = against(method.answers) ?? []
  const isOfBeta =
    misfits.every(({ isUndeclared }) => isUndeclared) && against(method.betaAnswers)?.length === 0
  if (!isOfBeta) sights.misfits.push(...misfits.map(({ text }) => text))
}

function misfitsOfAnswer(value: unknown, answer: Answer, name: string) {
  switch (answer.kind) {
    case 'value':
      return misfitsOfView(value, viewOf(answer.type), name, () => textOf(answer.type))
    case 'stream':
      return misfitsOfView(value, viewOf(answer.item), `${name}[]`, () => textOf(answer.item))
    case 'page':
      return misfitsOfView(fieldsOf(Object(value), answer), answer.page, name, () => answer.page.name)
    default:
      return []
  }
}

/** The fields that a page's class declares; the rest of the object is the client's. */
const fieldsOf = (page: object, answer: Extract<Answer, { kind: 'page' }>): object =>
  Object.fromEntries([...answer.page.properties.keys()].map((key) => [key, Reflect.get(page, key)]))

function kindOf(value: unknown): Answer['kind'] {
  if (value instanceof Response) return 'binary'
  if (typeof value !== 'object' || value === null) return 'value'
  if ('getNextPage' in value) return 'page'
  return Symbol.asyncIterator in value ? 'stream' : 'value'
}

function examinePage(sights: Sights, method: Declared, page: unknown, count: number): void {
  sights.pages.set(method.name, Math.max(count, sights.pages.get(method.name) ?? 0))
  hold(sights, method, 'page', page)
  const target = Object(page)
  const getNextPage: unknown = Reflect.get(target, 'getNextPage')
  Object.defineProperty(target, 'getNextPage', {
    value: async () => {
      if (typeof getNextPage !== 'function') throw new Error(`${method.name}: answered no page`)
      const next: unknown = await Reflect.apply(getNextPage, page, [])
      examinePage(sights, method, next, count + 1)
      return next
    },
  })
}

function watchStream(sights: Sights, method: Declared, stream: unknown): void {
  const target = Object(stream)
  const iterate: unknown = Reflect.get(target, Symbol.asyncIterator)
  if (typeof iterate !== 'function') throw new Error(`${method.name}: answered no stream`)
  Object.defineProperty(target, Symbol.asyncIterator, {
    value: async function* () {
      const events: AsyncIterable<unknown> = {
        [Symbol.asyncIterator]: () => Reflect.apply(iterate, target, []),
      }
      for await (const event of events) {
        const { type = '' } = Object(event)
        sights.streamed.set(method.name, (sights.streamed.get(method.name) ?? new Set()).add(String(type)))
        hold(sights, method, 'stream', event)
        yield event
      }
    },
  })
}
