// The one question of the matrix: does a program see any difference, and does the upstream?
import { expect } from 'vitest'
import { masked } from './mask.ts'
import type { SeenRequest, World, Worlds } from './worlds.ts'

/**
 * Runs one program in both worlds. Fails unless it was given the same and the upstream was asked the same, request by
 * request; answers with what it was given directly. A program that throws fails the test.
 */
export async function sameBothWays<Given>(
  { direct, through }: Worlds,
  program: (world: World) => Promise<Given>,
): Promise<{ readonly given: Given; readonly asked: readonly SeenRequest[] }> {
  // What a program that failed left behind is not this one's.
  direct.takeRequests()
  through.takeRequests()
  const given = await program(direct)
  const givenThrough = await program(through)
  const asked = direct.takeRequests()
  const askedThrough = through.takeRequests()
  expect(masked(givenThrough)).toEqual(masked(given))
  expect(askedThrough).toEqual(asked)
  return { given, asked }
}
