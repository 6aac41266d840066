// A scenario as people write it, in YAML: name, about, threads, and turns of items in the short notation. Whatever
// is wrong with it is said with the file, the line and the place.

import { isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { jsonObject } from '../json.ts'
import type { StepInput } from './item.ts'
import { words } from './notation.ts'
import { parseScenario, type Scenario } from './scenario.ts'

type Path = readonly PropertyKey[]
type Problem = { readonly path: Path; readonly message: string }

const fileSchema = z.strictObject({
  name: z.string(),
  about: z.string(),
  threads: z.unknown().optional(),
  turns: z.array(z.array(jsonObject)).min(1),
})
const repeatSchema = z.strictObject({
  repeat: z.int().min(1),
  steps: z.array(jsonObject),
  /** What each further repetition adds to the tokens of its model requests. */
  grows: z.record(z.string(), z.int().min(0)).default({}),
})

class ScenarioProblems extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super('the scenario has problems')
    this.name = 'ScenarioProblems'
    this.problems = problems
  }
}

/** What `run` answers, with every fault it finds placed below `path`. */
function at<T>(path: Path, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    throw new ScenarioProblems(
      error.issues.map((issue) => ({ path: [...path, ...issue.path], message: issue.message })),
    )
  }
}

/** One repetition of a step: `{n}` in its text is the number, and its tokens have grown. */
function repetition(step: Record<string, unknown>, n: number, grows: Record<string, number>) {
  const numbered = jsonObject.parse(JSON.parse(JSON.stringify(step).replaceAll('{n}', String(n))))
  const counts = z.record(z.string(), z.number()).safeParse(numbered['tokens'])
  if (!counts.success) return numbered
  const grown = Object.entries(grows).map(([kind, more]) => [kind, (counts.data[kind] ?? 0) + more * (n - 1)])
  return { ...numbered, tokens: { ...counts.data, ...Object.fromEntries(grown) } }
}

function readItem(raw: Record<string, unknown>, path: Path): readonly StepInput[] {
  if ('repeat' in raw) {
    const { repeat, steps, grows } = at(path, () => repeatSchema.parse(raw))
    return Array.from({ length: repeat }, (_, index) =>
      steps.flatMap((step, place) => readItem(repetition(step, index + 1, grows), [...path, 'steps', place])),
    ).flat()
  }
  const word = [...words.keys()].find((each) => each in raw)
  const read = words.get(word ?? '')
  if (read !== undefined) return at(path, () => read(raw))
  const message = `an item says one of \`${[...words.keys(), 'repeat'].join('`, `')}\``
  throw new ScenarioProblems([{ path, message }])
}

/** Every problem of the file in one error. */
function explain(problems: readonly Problem[], file: string, text: string): Error {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const lineOf = (path: Path): number => {
    // What is missing has no line of its own: its parent's will do.
    for (let length = path.length; length >= 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true)
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  const said = problems.map(
    ({ path, message }) => `${file}:${lineOf(path)}: \`${path.join('.')}\`: ${message}`,
  )
  return new Error(`scenario is not valid:\n${said.join('\n')}`)
}

function checkThreads(scenario: Scenario, turns: readonly (readonly Record<string, unknown>[])[]): void {
  const known = new Set(['primary', ...Object.keys(scenario.threads)])
  const problems = turns.flatMap((items, turn) =>
    items.flatMap((item, place) =>
      ['thread', 'spawns', 'tells', 'reports', 'rests', 'consults'].flatMap((key): Problem[] => {
        const name = item[key]
        if (typeof name !== 'string' || known.has(name)) return []
        return [
          { path: ['turns', turn, place, key], message: `no thread \`${name}\`: add it to \`threads\`` },
        ]
      }),
    ),
  )
  if (problems.length > 0) throw new ScenarioProblems(problems)
}

/** Reads a scenario out of the text of a file. Throws an `Error` naming the file, the line and the place of a fault. */
export function readScenario(text: string, file: string): Scenario {
  const document = parseDocument(text)
  const [broken] = document.errors
  if (broken !== undefined) throw new Error(`scenario is not valid:\n${file}: ${broken.message}`)
  try {
    const read = at([], () => fileSchema.parse(document.toJS()))
    const turns = read.turns.map((items, turn) =>
      items.flatMap((item, place) => readItem(item, ['turns', turn, place])),
    )
    // Every step is known by now to have a thread, or the items below say where it is missing.
    const named = parseScenario({
      name: read.name,
      about: read.about,
      threads: read.threads ?? {},
      turns: [[]],
    })
    checkThreads(named, read.turns)
    return parseScenario({ ...named, turns })
  } catch (error) {
    if (error instanceof ScenarioProblems) throw explain(error.problems, file, text)
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
