// Reloads under load: how long one keeps the event loop to itself, and whether any decision meanwhile was wrong.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { grantsOf } from '../../src/authorize/load-policies.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { expandRoles } from '../../src/authorize/roles.ts'
import { parseDirectory } from '../../src/identify/directory.ts'
import { openPolicyStore } from '../../src/policies.ts'
import { watchLoop } from '../../test/support/loop-watch.ts'
import { plainCasbin } from '../../test/support/policy-pairs.ts'
import { median, type PolicyFigure } from './figures.ts'
import { type MadePolicy, makePolicy, type Question } from './made-policy.ts'

const blockBarMs = 50

/** Questions whose answers are worked out beforehand, by plain Casbin, for both policies. */
const questionsMax = 60

/** Asked of the policy in force at every turn of the event loop while a reload is under way. */
const questionsPerTurn = 20

export async function measureReloads(
  modelText: string,
  ruleCount: number,
  reloadCount: number,
): Promise<readonly PolicyFigure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-policy-'))
  const put = (name: string, text: string): void => {
    writeFileSync(join(folder, 'draft'), text)
    renameSync(join(folder, 'draft'), join(folder, name))
  }
  const first = makePolicy(ruleCount)
  const second = makePolicy(ruleCount, 1)
  const questions = [...first.questions, ...second.questions].slice(0, questionsMax)
  const expected = {
    first: await answersOf(modelText, first, questions),
    second: await answersOf(modelText, second, questions),
  }
  put('model.conf', modelText)
  put('pins.yaml', '')
  put('directory.yaml', first.directoryText)
  put('cases.csv', first.casesText)
  put('policy.csv', first.policyText)
  const problems: string[] = []
  const onProblem = (problem: string): void => void problems.push(problem)
  const store = await openPolicyStore({ folder, intervalMs: 3_600_000, onReload: () => {}, onProblem })
  const answersByHash = new Map([[store.current().snapshot.hash, expected.first]])

  let asked = 0
  let wrong = 0
  const askAround = (): void => {
    const { hash, decide } = store.current().snapshot
    // The second policy's hash is learnt when it is first in force.
    const answers = answersByHash.get(hash) ?? expected.second
    for (let at = 0; at < questionsPerTurn; at++) {
      const pick = (asked + at) % questions.length
      const question = questions[pick]
      if (question !== undefined && decide(...question).allowed !== answers[pick]) wrong += 1
    }
    asked += questionsPerTurn
  }
  const blocksMs: number[] = []
  const ownMs: number[] = []
  const timersMs: number[] = []
  const totalsMs: number[] = []
  const hashes = new Set<string>()
  for (let at = 0; at < reloadCount; at++) {
    put('policy.csv', at % 2 === 0 ? second.policyText : first.policyText)
    const block = await watchLoop(store.refresh(), askAround)
    blocksMs.push(block.longestMs)
    ownMs.push(block.longestOwnMs)
    timersMs.push(block.timerMs)
    totalsMs.push(block.totalMs)
    hashes.add(store.current().snapshot.hash)
  }
  put('directory.yaml', `${first.directoryText}# a change\n`)
  const directory = await watchLoop(store.refresh(), askAround)
  store.close()
  rmSync(folder, { recursive: true, force: true })
  if (problems.length > 0 || hashes.size !== 2) throw new Error(`a reload did not happen: ${problems[0]}`)
  const of = (what: string) => `${ruleCount} rules: ${what}`
  return [
    {
      what: of('longest block of the event loop by a reload'),
      value: median(blocksMs),
      unit: 'ms',
      bar: blockBarMs,
    },
    { what: of('the same, by the time it had on a core'), value: median(ownMs), unit: 'ms' },
    { what: of('the same, by how late a timer was'), value: median(timersMs), unit: 'ms' },
    { what: of(`the same, worst of ${reloadCount} reloads`), value: Math.max(...blocksMs), unit: 'ms' },
    { what: of('a reload from start to swap'), value: median(totalsMs), unit: 'ms' },
    {
      what: of(`longest block when a directory of ${first.teams.size * 2} callers changes too`),
      value: directory.longestMs,
      unit: 'ms',
    },
    {
      what: of(`wrong ones of ${asked} decisions during ${reloadCount} reloads`),
      value: wrong,
      unit: '',
      bar: 0,
    },
  ]
}

async function answersOf(
  modelText: string,
  made: MadePolicy,
  questions: readonly Question[],
): Promise<readonly boolean[]> {
  const policy = parsePolicy(made.policyText, 'policy.csv')
  const grants = grantsOf(parseDirectory(made.directoryText, 'directory.yaml', policy.roles))
  const rows = policy.rules.map(({ sub, dom, act, obj, eft }) => [sub, dom, act, obj, eft])
  const plain = await plainCasbin(modelText, rows, expandRoles(policy.links, grants, made.teams))
  return questions.map((question) => plain.enforceSync(...question))
}
