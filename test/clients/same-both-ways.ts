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
  const askedThrough = through.takeRequests().filter((request) => !isOwnRead(request))
  expect(masked(givenThrough)).toEqual(masked(given))
  expect(askedThrough).toEqual(asked)
  return { given, asked }
}

// What the gateway asks by itself in these walks, with nothing of the client in it: which tool a confirmation is for.
const ownRead =
  /^GET \/v1\/sessions\/<sesn \d+>\/events\?limit=100&order=desc&types\[\]=agent\.tool_use&types\[\]=agent\.mcp_tool_use$/

const isOwnRead = ({ line, headers }: SeenRequest): boolean =>
  ownRead.test(line) &&
  !('user-agent' in headers) &&
  !Object.keys(headers).some((name) => name.startsWith('x-'))
