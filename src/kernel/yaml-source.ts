// A YAML file that people write, as plain values that still know on which line they stand.
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import { PolicyFileError } from './errors.ts'

export type YamlPath = readonly PropertyKey[]

export type YamlSource = {
  readonly value: unknown
  /** Line of the deepest part of the path that is really there: a missing member is reported at its parent. */
  readonly lineOf: (path: YamlPath) => number
  /** Throws PolicyFileError at that line; the reason follows the path's name. */
  readonly fail: (path: YamlPath, reason: string) => never
  /** As `fail`, at the line of the key itself: what it holds may begin on the next one. */
  readonly failAtKey: (path: YamlPath, reason: string) => never
}

/** Parses strictly: a syntax error, a duplicate key or an unresolved alias throws PolicyFileError with its line. */
export function openYaml(text: string, file: string): YamlSource {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true })
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem !== undefined) {
    const reason = problem.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'is not YAML'
    throw new PolicyFileError(file, problem.linePos?.[0].line ?? 0, reason)
  }
  const lineOf = (path: YamlPath): number => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
    }
    return document.contents === null ? 0 : 1
  }
  const fail = (path: YamlPath, reason: string): never => {
    throw new PolicyFileError(
      file,
      lineOf(path),
      path.length === 0 ? reason : `\`${path.join('.')}\` ${reason}`,
    )
  }
  const failAtKey = (path: YamlPath, reason: string): never => {
    const key = path.at(-1)
    const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
    const found = isMap(holder)
      ? holder.items.map((pair) => pair.key).find((each) => isScalar(each) && each.value === key)
      : undefined
    if (!isNode(found) || !found.range) return fail(path, reason)
    throw new PolicyFileError(file, lines.linePos(found.range[0]).line, `\`${path.join('.')}\` ${reason}`)
  }
  try {
    return { value: document.toJS(), lineOf, fail, failAtKey }
  } catch (error) {
    // An alias of nothing, or of too much, is only noticed when the values are made.
    return fail([], error instanceof Error ? error.message : 'is not readable as YAML')
  }
}
