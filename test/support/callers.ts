// Callers for a test house, added to its `policies/directory.yaml` as an operator would.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addKey } from '../../src/identify/directory-edit.ts'
import { loadPepper } from '../../src/identify/pepper.ts'
import type { TestHouse } from './house.ts'

const roles: ReadonlySet<string> = new Set([
  'viewer',
  'developer',
  'operator',
  'admin',
  'auditor',
  'service',
  'worker',
])

/** Adds a caller, and its team when it is new; returns its key, which works after `refreshPolicies`. */
export function addCaller(house: TestHouse, id: string, team: string, role: string): string {
  const path = join(house.policiesDir, 'directory.yaml')
  const edited = addKey(
    readFileSync(path, 'utf8'),
    'directory.yaml',
    { caller: id, team, roles: [role], createdMs: Date.UTC(2026, 0, 1), expiresMs: Date.UTC(2099, 0, 1) },
    { pepper: loadPepper(join(house.folder, 'data', 'pepper')), knownRoles: roles },
  )
  writeFileSync(path, edited.text)
  return edited.key.reveal()
}

/** Lets every team see, use and change what the others own, after `refreshPolicies`: for tests about something else. */
export function shareEverything(house: TestHouse): void {
  appendFileSync(join(house.policiesDir, 'policy.csv'), '\np, *, *, visibility.*, owner/*, allow\n')
  // The shipped cases say that teams are strangers.
  const cases = join(house.policiesDir, 'cases.csv')
  const kept = readFileSync(cases, 'utf8')
    .split('\n')
    .filter((line) => !line.includes(',owner/other/'))
  writeFileSync(cases, kept.join('\n'))
}
