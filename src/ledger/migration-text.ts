// The text of one migration -> the statements to run, with or without a cluster. Pure.
import { splitStatements } from './split-statements.ts'

const clusterMark = /\/\*\s*ON CLUSTER\s*\*\//gi
const engineMark = /\bENGINE\s*=\s*\{\s*(\w*MergeTree)\s*(\([^{}]*\))?\s*\}/gi

/** Statements that change what exists: on a cluster each node must hear of them. */
const definesSchema = /^(?:CREATE|ALTER|DROP|RENAME|EXCHANGE|TRUNCATE|OPTIMIZE)\b/i
const comments = /--[^\n]*|\/\*[\s\S]*?\*\//g

/**
 * The statements of a migration, rendered: the cluster mark becomes the clause and `ENGINE = {X(...)}` becomes
 * `ReplicatedX(...)` when a cluster is given; otherwise the first stays a comment and the second loses its braces.
 * @throws Error naming the file, when a schema statement has no cluster mark or a MergeTree engine no braces.
 */
export function renderMigration(name: string, sql: string, cluster?: string): readonly string[] {
  return splitStatements(sql).map((statement) => {
    checkMarks(name, statement)
    return statement
      .replace(clusterMark, (mark) => (cluster === undefined ? mark : `ON CLUSTER \`${cluster}\``))
      .replace(engineMark, (_mark, engine: string, args: string | undefined) => {
        const replicated = cluster === undefined ? '' : 'Replicated'
        return `ENGINE = ${replicated}${engine}${args ?? ''}`
      })
  })
}

function checkMarks(name: string, statement: string): void {
  const bare = statement.replace(comments, '').trim()
  const start = bare.slice(0, 60).replace(/\s+/g, ' ')
  if (definesSchema.test(bare) && statement.search(clusterMark) === -1) {
    throw new Error(`migration \`${name}\`: put /*ON CLUSTER*/ after the name in \`${start}\``)
  }
  if (/\bENGINE\s*=\s*\w*MergeTree\b/i.test(bare)) {
    throw new Error(`migration \`${name}\`: write the engine in braces, ENGINE = {...}, in \`${start}\``)
  }
}
