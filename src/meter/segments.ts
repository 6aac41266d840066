// Arithmetic on half-open spans of time [from, to), in milliseconds; an open end is Infinity.

export type Span = { readonly from: number; readonly to: number }

/** The spans' union: rising, disjoint, not touching; empty spans vanish. */
export function union(spans: readonly Span[]): readonly Span[] {
  const merged: { from: number; to: number }[] = []
  for (const span of spans.filter(({ from, to }) => to > from).toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last !== undefined && span.from <= last.to) last.to = Math.max(last.to, span.to)
    else merged.push({ from: span.from, to: span.to })
  }
  return merged
}

/** What of `spans` lies in none of `holes`; rising and disjoint. */
export function subtract(spans: readonly Span[], holes: readonly Span[]): readonly Span[] {
  const cuts = union(holes)
  return union(spans).flatMap((span) => {
    const rest: Span[] = []
    let from = span.from
    for (const cut of cuts) {
      if (cut.to <= from) continue
      if (cut.from >= span.to) break
      if (cut.from > from) rest.push({ from, to: cut.from })
      from = cut.to
    }
    if (from < span.to) rest.push({ from, to: span.to })
    return rest
  })
}
