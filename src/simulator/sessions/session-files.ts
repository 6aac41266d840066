// The files in a session's scope: copies of uploads that are mounted into it, and what it wrote. They go with it.

import { invalidRequest } from '../http/api-error.ts'
import type { World } from '../world.ts'

/** Throws a 404 for a file that is not there, a 400 for an expired one. */
export function checkFile(world: World, id: string): void {
  if (world.files.isExpired(world.files.find(id).view)) {
    throw invalidRequest(`resources: file \`${id}\` has expired`, 'file_expired')
  }
}

/** Copies a file into the session's scope; answers the id of the copy. */
export const copyFile = (world: World, sessionId: string, fileId: string): string =>
  world.files.mount(fileId, sessionId).id

/** Deletes what lies in the session's scope: mounted copies and what it wrote. Uploads stay. */
export async function dropFiles(world: World, sessionId: string): Promise<void> {
  const own = world.files.list().filter(({ view }) => view.scope?.id === sessionId)
  await Promise.all(own.map(({ view }) => world.files.remove(view.id)))
}

/** Deletes one copy, unless somebody was faster. */
export async function dropFile(world: World, sessionId: string, fileId: unknown): Promise<void> {
  const copy = world.files.list().find(({ view }) => view.id === fileId && view.scope?.id === sessionId)
  if (copy !== undefined) await world.files.remove(copy.view.id)
}
