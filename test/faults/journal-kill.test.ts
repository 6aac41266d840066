// The promise that matters most: what was acknowledged survives kill -9 at any moment.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openJournal } from '../../src/kernel/segment-journal.ts'

const childFile = fileURLToPath(new URL('./journal-child.ts', import.meta.url))
const kills = 20

type Life = { readonly acked: number[]; readonly read: number; readonly committed: number }

/** Runs the child until it has acknowledged a random number of records, then kills it and hears it out. */
async function liveAndDie(dir: string, first: number, consumes: boolean): Promise<Life> {
  const argv = ['--import', 'tsx', childFile, dir, String(first), consumes ? 'consumes' : 'no']
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const mark = { a: [-1], r: [-1], c: [-1] }
  const killAfter = 1 + Math.floor(Math.random() ** 2 * 3000)
  for await (const line of createInterface({ input: child.stdout })) {
    const [, kind, n] = /^([arc]) (\d+)\.$/.exec(line) ?? []
    if (kind === 'a' || kind === 'r' || kind === 'c') mark[kind].push(Number(n))
    if (mark.a.length > killAfter) child.kill('SIGKILL')
  }
  await closed
  expect(child.signalCode).toBe('SIGKILL')
  return { acked: mark.a.slice(1), read: Math.max(...mark.r), committed: Math.max(...mark.c) }
}

async function readAll(dir: string): Promise<number[]> {
  // Opening right after the kill also proves that a dead process's lock does not hold the folder.
  const journal = await openJournal({
    dir,
    report: (trouble) => expect(trouble.kind).toBe('torn_tail_cut'),
  })
  try {
    const { records } = await journal.read(1_000_000)
    return records.map((record) => Number(record['n']))
  } finally {
    await journal.close()
  }
}

test('after kill -9 at any moment every acknowledged record is there exactly once, in order, and none is torn', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'journal-kill-'))
  const owed = new Set<number>()
  let first = 0
  try {
    for (let kill = 0; kill < kills; kill++) {
      const life = await liveAndDie(dir, first, kill % 2 === 1)
      for (const n of life.acked) owed.add(n)
      const found = await readAll(dir)

      expect(found.every((n, i) => i === 0 || n > Number(found[i - 1]))).toBe(true)
      if (life.committed >= 0) expect(found[0] ?? Number.POSITIVE_INFINITY).toBeGreaterThan(life.committed)
      // What was read may have been committed without our hearing of it; everything else is owed.
      for (const n of owed) if (n <= life.read) owed.delete(n)
      const there = new Set(found)
      expect([...owed].filter((n) => !there.has(n))).toEqual([])
      first = Math.max(first, ...life.acked, ...found) + 1
    }
  } finally {
    await rm(dir, { recursive: true })
  }
}, 240_000)
