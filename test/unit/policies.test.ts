// The folder that is looked at again and again: what was decided there counts, also after a bad moment.
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createFirstDirectoryFile } from '../../src/identify/directory-file.ts'
import { PolicyFileError } from '../../src/kernel/errors.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { loadPolicies, openPolicyStore } from '../../src/policies.ts'

test('a change that could not be read at once is taken over as soon as it can be, without another change', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-policies-'))
  const shipped = fileURLToPath(new URL('../../policies', import.meta.url))
  cpSync(shipped, folder, { recursive: true, filter: (path) => !path.endsWith('directory.yaml') })
  createFirstDirectoryFile(join(folder, 'directory.yaml'), {
    pepper: new Secret('00'.repeat(32)),
    nowMs: Date.now(),
  })
  let outOfFiles = false
  const problems: string[] = []
  let reloads = 0
  const store = await openPolicyStore({
    folder,
    intervalMs: 3_600_000,
    onReload: () => {
      reloads += 1
    },
    onProblem: (problem) => void problems.push(problem),
    load: async (from) => {
      if (outOfFiles) throw new PolicyFileError('directory.yaml', 0, 'cannot be read (EMFILE)')
      return loadPolicies(from)
    },
  })
  outOfFiles = true
  appendFileSync(join(folder, 'directory.yaml'), '# somebody revoked a key\n')
  await store.refresh()
  await store.refresh()
  expect(problems).toHaveLength(1)
  expect(store.problem()).toContain('EMFILE')
  outOfFiles = false
  await store.refresh()
  expect([store.problem(), reloads]).toEqual([null, 1])
  store.close()
  rmSync(folder, { recursive: true, force: true })
})
