// One row of the vocabulary.

/** One action Tollgate asks about, in the words of the people who write rules. */
export type Word = {
  readonly action: string
  /** What stands before the `/` of its objects. */
  readonly kind: string
  /** What a caller who is allowed this may do. */
  readonly means: string
  /** What in a request asks for it. */
  readonly from: string
  /** An object as it is asked, or a pattern that a rule would use. */
  readonly example: string
}

/** A row; `name` is the part of the example object after `kind/`. */
export const word = (action: string, kind: string, name: string, means: string, from: string): Word => ({
  action,
  kind,
  means,
  from,
  example: `${kind}/${name}`,
})
