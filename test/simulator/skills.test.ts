// Skills of the stand-in upstream, as the SDK sees them, and as its worker downloads them.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic, { APIError, toFile } from '@anthropic-ai/sdk'
import { setupSkills } from '@anthropic-ai/sdk/tools/agent-toolset/node'
import { expect, onTestFinished, test } from 'vitest'
import { createManualClock, startSimulator } from '../../src/simulator/simulator.ts'
import { readZip, writeZip, type ZipEntry } from '../../src/simulator/skills/zip.ts'
import { send } from '../support/raw-client.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'

async function house() {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  return { simulator, clock, client }
}

const manifest = (name: string, description = 'Counts things') =>
  `---\nname: ${name}\ndescription: ${description}\n---\n# How\n`

const filesOf = (contents: Readonly<Record<string, string>>) =>
  Promise.all(Object.entries(contents).map(([path, text]) => toFile(Buffer.from(text), path)))

const counter = (description?: string) =>
  filesOf({ 'any/SKILL.md': manifest('counter', description), 'any/scripts/run.py': 'print(1)\n' })

async function refusalOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof APIError)) throw new Error('the call was not refused')
  return { status: error.status, message: error.message }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

test('a skill grows by versions, names its newest, and shrinks to its last', async () => {
  const { client, clock } = await house()
  const skill = await client.beta.skills.create({ files: await counter() })
  expectInterface(skill, 'skills/skills', 'BetaSkill')
  expect(skill).toMatchObject({ display_name: 'counter', source: { type: 'custom' } })
  clock.advance(1000)
  const second = await client.beta.skills.versions.create(skill.id, { files: await counter('Counts more') })
  expectInterface(second, 'skills/versions', 'BetaSkillVersion')
  expect(second).toMatchObject({ name: 'counter', description: 'Counts more', skill_id: skill.id })
  const third = await client.skills.versions.create(skill.id, { files: await counter('Counts all') })
  const grown = await client.skills.retrieve(skill.id)
  expect(grown).toMatchObject({ latest_version_id: third.id, updated_at: third.created_at })
  expect(grown.updated_at).not.toBe(skill.updated_at)

  const versions = await collect(client.beta.skills.versions.list(skill.id, { limit: 1 }))
  expect(versions.map(({ id }) => id)).toEqual([third.id, second.id, skill.latest_version_id])
  const own = { skill_id: skill.id }
  expect(await client.beta.skills.versions.retrieve(second.id, own)).toEqual(second)
  expect(await client.skills.versions.retrieve('latest', own)).toEqual(third)

  const gone = await client.beta.skills.versions.delete(third.id, own)
  expect(gone).toEqual({ id: third.id, type: 'skill_version_deleted' })
  expect((await client.beta.skills.retrieve(skill.id)).latest_version_id).toBe(second.id)
  await client.skills.versions.delete(skill.latest_version_id, own)
  expect((await client.skills.versions.list(skill.id)).data).toEqual([second])
  expect((await refusalOf(client.skills.versions.delete(second.id, own))).message).toMatch(/last version/)
  expect(await client.beta.skills.delete(skill.id)).toEqual({ id: skill.id, type: 'skill_deleted' })
  expect((await refusalOf(client.skills.retrieve(skill.id))).status).toBe(404)
})

test("a list holds Anthropic's skills, which nobody can change, and walks its pages", async () => {
  const { client } = await house()
  for (const label of ['One', 'Two']) {
    await client.skills.create({ files: await counter(), display_name: label })
  }
  const all = await collect(client.beta.skills.list({ limit: 2 }))
  expect(all.map((skill) => skill.display_name)).toEqual(['Two', 'One', 'Excel', 'PowerPoint', 'PDF', 'Word'])
  const own = await collect(client.skills.list({ source: 'custom' }))
  expect(own.map((skill) => skill.display_name)).toEqual(['Two', 'One'])
  const theirs = (await client.beta.skills.list({ source: 'anthropic' })).data
  expect(theirs.map(({ id, latest_version_id }) => `${id} ${latest_version_id}`)).toContain('xlsx 20251013')
  expect((await refusalOf(client.skills.list({ source: 'mine' }).then())).message).toMatch(/source/)
  expect((await refusalOf(client.skills.delete('xlsx'))).status).toBe(400)
  const files = await counter()
  expect((await refusalOf(client.skills.versions.create('xlsx', { files }))).status).toBe(400)
  expect((await refusalOf(client.skills.versions.create('skill_nobody', { files }))).status).toBe(404)
  await client.skills.delete(own[0]?.id ?? '')
  expect((await client.skills.list({ source: 'custom' })).data).toHaveLength(1)
})

test('the download is a zip that the SDK worker unpacks, and that can be uploaded again', async () => {
  const { client } = await house()
  const skill = await client.beta.skills.create({ files: await counter() })
  const own = { skill_id: skill.id }
  const response = await client.beta.skills.versions.download(skill.latest_version_id, own)
  expect(Object.fromEntries(response.headers)).toMatchObject({ 'content-type': 'application/zip' })
  const archive = Buffer.from(await response.arrayBuffer())
  const paths = readZip(archive, 1024).map(({ path }) => path)
  expect(paths).toEqual(['counter/SKILL.md', 'counter/scripts/run.py'])
  expect((await refusalOf(client.beta.skills.versions.download('latest', own))).status).toBe(404)

  const again = await client.beta.skills.versions.create(skill.id, {
    files: [await toFile(archive, 'a.zip')],
  })
  const copy = await client.beta.skills.versions.download(again.id, own)
  expect(Buffer.from(await copy.arrayBuffer())).toEqual(archive)

  // The SDK unpacks with the machine's own `unzip`; where there is none it cannot, and neither can we look.
  if (spawnSync('unzip', ['-v']).status !== 0) return
  const workdir = await mkdtemp(join(tmpdir(), 'skills-test-'))
  onTestFinished(() => rm(workdir, { recursive: true, force: true }))
  const agent = await client.beta.agents.create({
    name: 'worker',
    model: 'claude-sonnet-5-5',
    skills: [
      { type: 'custom', skill_id: skill.id, version: again.id },
      { type: 'anthropic', skill_id: 'xlsx', version: '20251013' },
    ],
  })
  const environment = await client.beta.environments.create({ name: 'test' })
  const session = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  const cleanUp = await setupSkills({ client, workdir, session })
  expect(await readFile(join(workdir, 'skills/counter/scripts/run.py'), 'utf8')).toBe('print(1)\n')
  expect(await readFile(join(workdir, 'skills/xlsx/SKILL.md'), 'utf8')).toContain('name: xlsx')
  await cleanUp()
})

test('an upload that is no skill is refused with the reason', async () => {
  const { client } = await house()
  const refusal = async (contents: Readonly<Record<string, string>>, display_name?: string) => {
    const files = await filesOf(contents)
    const params = display_name === undefined ? { files } : { files, display_name }
    const { status, message } = await refusalOf(client.beta.skills.create(params))
    expect(status).toBe(400)
    return message
  }
  const good = manifest('counter')
  expect(await refusal({ 'SKILL.md': good })).toMatch(/same top-level directory/)
  expect(await refusal({ 'a/SKILL.md': good, 'b/x': '' })).toMatch(/same top-level directory/)
  expect(await refusal({ 'a/b/SKILL.md': good })).toMatch(/must include a SKILL.md/)
  expect(await refusal({ 'a/SKILL.md': good, 'a/../../x': '' })).toMatch(/relative path/)
  expect(await refusal({ 'a/SKILL.md': '# no frontmatter' })).toMatch(/frontmatter/)
  expect(await refusal({ 'a/SKILL.md': '---\nname: counter\n---\n' })).toMatch(/description/)
  expect(await refusal({ 'a/SKILL.md': manifest('Not A Slug') })).toMatch(/kebab-case/)
  expect(await refusal({ 'a/SKILL.md': manifest('my-claude') })).toMatch(/must not contain `claude`/)
  expect(await refusal({ 'a/SKILL.md': good }, 'x'.repeat(256))).toMatch(/display_name/)
  const { id } = await client.skills.create({ files: await counter() })
  const other = await filesOf({ 'a/SKILL.md': manifest('other') })
  expect((await refusalOf(client.skills.versions.create(id, { files: other }))).message).toMatch(
    /named `counter`/,
  )
  const nameless = await filesOf({ 'by-folder/SKILL.md': '---\ndescription: d\n---\n' })
  expect((await client.skills.create({ files: nameless })).display_name).toBe('by-folder')
})

test('a damaged, foreign or bloated zip is refused, a good one read back byte for byte', () => {
  const entries = [
    { path: 'a/ü.bin', bytes: Buffer.from([0, 1, 2, 255]) },
    { path: 'a/zeros', bytes: Buffer.alloc(4096) },
    { path: 'a/empty', bytes: Buffer.alloc(0) },
  ]
  const archive = writeZip(entries)
  expect(readZip(archive, 8192)).toEqual(entries)
  expect(() => readZip(archive, 2048)).toThrow(/zip/)
  const isPrefix = (read: readonly ZipEntry[]) =>
    read.length <= entries.length && read.every(({ bytes }, at) => entries[at]?.bytes.equals(bytes))
  for (let at = 0; at < archive.length; at += 1) {
    const damaged = Buffer.from(archive)
    damaged.writeUInt8(255 - damaged.readUInt8(at), at)
    // Either it is noticed or it did not matter: contents are never silently other contents.
    try {
      expect(isPrefix(readZip(damaged, 8192)), `byte ${at}`).toBe(true)
    } catch (error) {
      expect(String(error), `byte ${at}`).toMatch(/zip archive cannot be read/)
    }
  }
})

test('a client of the first beta gets the shapes it knows', async () => {
  const { client, simulator } = await house()
  const { id } = await client.skills.create({ files: await counter() })
  const ask = async (path: string): Promise<unknown> => {
    const headers = {
      'x-api-key': simulator.apiKey,
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'skills-2025-10-02',
    }
    const { body } = await send(`${simulator.url}/v1/skills${path}`, { headers })
    return JSON.parse(body.toString())
  }
  const old = {
    id,
    display_title: 'counter',
    latest_version: expect.stringMatching(/^skver_/),
    source: 'custom',
  }
  expect(await ask(`/${id}`)).toMatchObject(old)
  expect(await ask('?limit=1')).toMatchObject({ data: [old], has_more: true, next_page: expect.any(String) })
  expect(await ask(`/${id}/versions`)).toMatchObject({
    data: [{ directory: 'counter', version: expect.stringMatching(/^skver_/) }],
    has_more: false,
  })
})
