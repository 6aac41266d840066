// Splits SQL text at its semicolons the way ClickHouse's lexer would: those inside strings, quoted identifiers,
// heredocs and comments do not count.

// One alternative per token that can hide a semicolon, then the semicolon itself.
// Quotes end at the same quote, unless escaped by a backslash; a doubled quote reads as two neighbouring tokens.
const token =
  /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|#[! ][^\n]*|\/\*[\s\S]*?\*\/|;/g

const comments = /--[^\n]*|#[! ][^\n]*|\/\*[\s\S]*?\*\//g

/** The statements of a text, trimmed, without their semicolons; stretches of nothing but comments are left out. */
export function splitStatements(sql: string): readonly string[] {
  const pieces: string[] = []
  let start = 0
  for (const match of sql.matchAll(token)) {
    if (match[0] !== ';') continue
    pieces.push(sql.slice(start, match.index))
    start = match.index + 1
  }
  pieces.push(sql.slice(start))
  return pieces.map((piece) => piece.trim()).filter((piece) => piece.replace(comments, '').trim() !== '')
}
