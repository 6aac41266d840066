// The scripts behind `npm start` and `npm test`: what they report is what happened.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

const repository = new URL('../../', import.meta.url).pathname

/** Runs a script of ours with this Node and returns what a shell would see. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  // The inner vitest must not believe that it is the outer one.
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('VITEST') && name !== 'NODE_ENV',
  )
  const options = { cwd: repository, env: { ...Object.fromEntries(own), ...env } }
  return new Promise<{ exitCode: number; out: string; err: string }>((done) => {
    const child = execFile(process.execPath, args, options, (_error, out, err) =>
      done({ exitCode: child.exitCode ?? -1, out, err }),
    )
  })
}

async function testing(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-scripts-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const { exitCode, out } = await run(['scripts/test.mjs', '--root', folder, '--globals'])
  return { exitCode, lastLine: out.trimEnd().split('\n').at(-1) }
}

test('npm test ends with what passed and failed, and a file that does not load has failed', async () => {
  const good = "test('one', () => {})\ntest('two', () => {})\n"
  expect(await testing({ 'good.test.js': good })).toEqual({ exitCode: 0, lastLine: '2 passed, 0 failed' })
  const bad = "test('three', () => { throw new Error('no') })\n"
  const broken = "import './nothing.js'\n"
  expect(await testing({ 'good.test.js': good, 'bad.test.js': bad, 'broken.test.js': broken })).toEqual({
    exitCode: 1,
    lastLine: '2 passed, 2 failed',
  })
})

test('no test at all is not a success', async () => {
  const { exitCode, lastLine } = await testing({})
  expect(exitCode).not.toBe(0)
  expect(lastLine).toMatch(/^0 passed, [1-9]\d* failed$/)
})

test('the example says what to do when it has no key', async () => {
  const { exitCode, err } = await run(['scripts/run.mjs', 'example'], { TOLLGATE_KEY: '' })
  expect(exitCode).toBe(1)
  expect(err).toContain('TOLLGATE_KEY is not set: run `npm start`')
})

test('a name that is no script of ours is told what there is', async () => {
  for (const args of [['nothing'], ['bench', 'nothing'], ['bench', '../src/main'], []]) {
    const { exitCode, err } = await run(['scripts/run.mjs', ...args])
    expect([args, exitCode]).toEqual([args, 2])
    expect(err).toMatch(/is not one of|there are:/)
  }
})

test('whoever has read enough of the output ends no command: it says how it went all the same', async () => {
  const child = spawn(process.execPath, ['bin/tollgate.mjs', 'pins', '--help'], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let err = ''
  for await (const chunk of child.stderr.setEncoding('utf8')) err += String(chunk)
  if (child.exitCode === null) await once(child, 'exit')
  expect([child.exitCode, err]).toEqual([0, ''])
})

test('a signal that only npm gets ends us cleanly: npm’s shell is replaced by us', {
  skip: process.platform === 'win32',
}, async () => {
  const scripts = z
    .looseObject({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))).scripts
  for (const name of ['start', 'simulate']) expect(scripts[name]).toMatch(/^exec node /)
  const shell = spawn('sh', ['-c', `${scripts['simulate']} --port 0`], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  for await (const chunk of shell.stdout.setEncoding('utf8')) {
    if (out === '') shell.kill('SIGTERM')
    out += chunk
  }
  expect(out).toMatch(/the simulator has stopped\n$/)
})
