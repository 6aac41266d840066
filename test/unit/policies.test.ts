// The folder that is looked at again and again: what was decided there counts, also after a bad moment.
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { createFirstDirectoryFile } from '../../src/identify/directory-file.ts'
import { PolicyFileError } from '../../src/kernel/errors.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { runAtOnce } from '../../src/kernel/turns.ts'
import { loadPolicies, openPolicyStore, type Policies } from '../../src/policies.ts'
import { describeChange } from '../../src/policy-change.ts'

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

test('terms of price are read again with the other policies; wrong ones are told by line and leave what was', async () => {
  const folder = shippedFolder()
  const problems: string[] = []
  const store = await openPolicyStore({
    folder,
    intervalMs: 3_600_000,
    onReload: () => {},
    onProblem: (problem) => void problems.push(problem),
  })
  onTestFinished(store.close)
  const put = async (text: string): Promise<number | undefined> => {
    writeFileSync(join(folder, 'prices.yaml'), text)
    await store.refresh()
    return store.current().prices.markups.length
  }
  expect(store.current().prices).toEqual({ version: 1, contract: [], markups: [] })
  const markup = '  - { from: 2026-11-01, factor: "1.1" }\n'
  expect(await put(`version: 2\nmarkups:\n${markup}`)).toBe(1)
  expect(await put(`version: 2\nmarkups:\n${markup}${markup}`)).toBe(1)
  expect(store.problem()).toContain('prices.yaml:1: terms changed under version 2')
  expect(await put(`version: 3\nmarkups:\n${markup}  - { from: soon, factor: "1" }\n`)).toBe(1)
  expect(store.problem()).toContain('prices.yaml:4: `markups.1.from`')
  expect(await put(`version: 3\nmarkups:\n${markup}${markup}`)).toBe(2)
  expect([store.problem(), problems.length]).toEqual([null, 2])
  rmSync(join(folder, 'prices.yaml'))
  await store.refresh()
  expect(store.current().prices).toEqual({ version: 0, contract: [], markups: [] })
})

/** The shipped policies with a first directory, in a folder of their own. */
function shippedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-policies-'))
  const shipped = fileURLToPath(new URL('../../policies', import.meta.url))
  cpSync(shipped, folder, { recursive: true, filter: (path) => !path.endsWith('directory.yaml') })
  createFirstDirectoryFile(join(folder, 'directory.yaml'), { pepper: new Secret('00'.repeat(32)), nowMs: 0 })
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a reload that was asked for reads the files also when they look as before', async () => {
  const folder = shippedFolder()
  let loads = 0
  const store = await openPolicyStore({
    folder,
    intervalMs: 3_600_000,
    onReload: () => {},
    onProblem: () => {},
    load: (from) => {
      loads += 1
      return loadPolicies(from)
    },
  })
  await store.refresh()
  expect(loads).toBe(1)
  await store.reload()
  expect(loads).toBe(2)
  store.close()
})

test('what a change is told by: lines with numbers, people and keys by id, no hash, no key', async () => {
  const folder = shippedFolder()
  const before = await loadPolicies(folder)
  const directory = readFileSync(join(folder, 'directory.yaml'), 'utf8')
  writeFileSync(
    join(folder, 'directory.yaml'),
    directory.replace(/(roles:\s*(?:\[|- )\s*)admin/, '$1viewer').replace(/[0-9a-f]{64}/, 'ab'.repeat(32)),
  )
  const policy = readFileSync(join(folder, 'policy.csv'), 'utf8').split('\n')
  const gone = policy.findIndex((line) => line.startsWith('p, role:viewer, *, model.read'))
  writeFileSync(
    join(folder, 'policy.csv'),
    policy.toSpliced(gone, 1, `# tg_live_${'a'.repeat(12)}_${'b'.repeat(40)}`).join('\n'),
  )
  writeFileSync(join(folder, 'cases.csv'), 'team,roles,action,object,expected\n')
  const after = await loadPolicies(folder)
  const { files, diff, oldHash, newHash } = runAtOnce(describeChange(before, after))
  expect([oldHash, newHash]).toEqual([before.snapshot.hash, after.snapshot.hash])
  expect(files).toEqual(['cases.csv', 'directory.yaml', 'policy.csv'])
  const [keyId] = before.directory.keys.keys()
  expect(diff.filter((line) => !line.includes('cases.csv'))).toEqual([
    '~ caller first-admin (roles admin -> viewer)',
    `~ key ${keyId} (secret)`,
    `- policy.csv:${gone + 1} ${policy[gone]}`,
    `+ policy.csv:${gone + 1} # [secret]`,
  ])
  expect(runAtOnce(describeChange(after, after))).toMatchObject({ files: [], diff: [] })
})

test('a candidate is any of the files over the live ones, and follows both', async () => {
  const folder = shippedFolder()
  const told: (string | null)[] = []
  const store = await openPolicyStore({
    folder,
    intervalMs: 3_600_000,
    onReload: () => {},
    onProblem: () => {},
    onCandidate: (_candidate, problem) => void told.push(problem),
  })
  expect([store.candidate(), told]).toEqual([null, []])
  mkdirSync(join(folder, 'candidate'))
  const live = readFileSync(join(folder, 'policy.csv'), 'utf8')
  writeFileSync(
    join(folder, 'candidate', 'policy.csv'),
    `${live}p, *, platform, agent.create, agent/*, deny\n`,
  )
  await store.refresh()
  const ask = (policies: Policies | null) =>
    policies?.snapshot.decide('caller:first-admin', 'platform', 'agent.create', 'agent/*').allowed
  expect([ask(store.current()), ask(store.candidate()), told]).toEqual([true, false, [null]])
  const { hash } = store.current().snapshot

  writeFileSync(join(folder, 'candidate', 'pins.yaml'), 'no pins')
  await store.refresh()
  expect([store.candidate(), store.problem()]).toEqual([null, null])
  expect(store.candidateProblem()).toMatch(/^candidate\/pins\.yaml/)
  expect(store.current().snapshot.hash).toBe(hash)
  store.close()
})
