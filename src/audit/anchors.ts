// Where checkpoints are kept outside the ledger, so that whoever rewrites the ledger cannot rewrite them too: a file that
// only grows, a git repository. Each checkpoint binds all before it, so one that is missing here weakens nothing.
import { execFile } from 'node:child_process'
import { mkdir, open, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { writeDurably } from '../kernel/journal-files.ts'

export type Anchor = {
  readonly name: string
  /** Keeps one checkpoint. May be repeated. Rejects when it could not. */
  readonly put: (gateway: string, number: number, note: string) => Promise<void>
}

/** A file a gateway and month in a folder, which may lie on another disk or be append-only. */
export function createFileAnchor(folder: string): Anchor {
  return {
    name: 'file',
    put: async (gateway, _number, note) => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const month = /\ntime (\d{4}-\d{2})/.exec(note)?.[1] ?? 'undated'
      const file = await open(path.join(folder, `${gateway}-${month}.txt`), 'a', 0o600)
      try {
        await file.writeFile(`${note}\n`)
        await file.datasync()
      } finally {
        await file.close()
      }
    },
  }
}

const run = promisify(execFile)

/**
 * A git repository that is there already: the newest checkpoint of each gateway is a file in it, and its history is the
 * list of them. Commits only; pushing it somewhere is for whoever owns the other end.
 */
export function createGitAnchor(folder: string): Anchor {
  const git = (...args: readonly string[]) =>
    run('git', ['-C', folder, '-c', 'user.name=tollgate', '-c', 'user.email=tollgate@localhost', ...args], {
      timeout: 20_000,
    })
  return {
    name: 'git',
    put: async (gateway, number, note) => {
      const name = `${gateway}.txt`
      if ((await readFile(path.join(folder, name), 'utf8').catch(() => '')) === note) return
      await writeDurably(path.join(folder, name), note)
      await git('add', '--', name)
      await git('commit', '--quiet', '--no-gpg-sign', '-m', `checkpoint ${number} of ${gateway}`, '--', name)
    },
  }
}

/** The notes in a text that holds any number of them, one after the other. */
export function splitNotes(text: string): readonly string[] {
  const notes: string[] = []
  let lines: string[] = []
  let signed = false
  const end = (): void => {
    const note = lines.join('\n').trim()
    if (note !== '') notes.push(`${note}\n`)
    lines = []
    signed = false
  }
  for (const line of text.split('\n')) {
    const isSignature = line.startsWith('— ')
    if (signed && !isSignature) end()
    signed ||= isSignature
    lines.push(line)
  }
  end()
  return notes
}
