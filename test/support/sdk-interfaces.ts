// What the SDK's own declarations say of an object, checked at runtime: every field, all the way down, and no other.
import { expect } from 'vitest'
import { openDeclarations } from './sdk/declarations.ts'
import { misfitsOfView } from './sdk/misfits.ts'
import { typeNamed } from './sdk/type-view.ts'

/** Fails unless `object` is what `resources/beta/<file>.d.ts` declares as `name`, an interface or any other type. */
export function expectInterface(object: unknown, file: string, name: string): void {
  const view = typeNamed(openDeclarations(`resources/beta/${file}`), name)
  const misfits = misfitsOfView(object, view, name, () => name)
  expect(misfits.map(({ text }) => text)).toEqual([])
}
