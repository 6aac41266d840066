// Figures that belong together, under one heading.
import type { PartName } from '../run/parts.ts'
import { type Figure, hasNumbers } from './figure.ts'

export type Section = {
  readonly part: PartName
  readonly title: string
  readonly figures: readonly Figure[]
}

/** Without the lines that have no number of any arm. */
export function toSection(part: PartName, title: string, figures: readonly Figure[]): Section {
  return { part, title, figures: figures.filter(hasNumbers) }
}
