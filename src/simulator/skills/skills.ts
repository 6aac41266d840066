// The routes of /v1/skills: skills uploaded as forms, their versions, and the versions' archives.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Content } from '../files/content.ts'
import { attachmentNamed } from '../files/content-disposition.ts'
import { readForm } from '../files/form.ts'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiReply, type ApiRequest, json, type Route } from '../http/router.ts'
import type { World } from '../world.ts'
import { bundleSkill, type SkillBundle } from './skill-bundle.ts'
import { pageView, skillView, versionView } from './skill-view.ts'
import { isZip, readZip, type ZipEntry } from './zip.ts'

const skillBytesMax = 30 * 1024 * 1024
const filesMax = 500
const displayNameLengthMax = 255
const sources = ['custom', 'anthropic', 'anthropic_example', 'plugin']

async function bytesOf(content: Content): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of content.read()) chunks.push(Buffer.from(chunk))
  await content.release()
  return Buffer.concat(chunks)
}

/** The uploaded files, those of a single zip archive unpacked; and the text field of the form. */
async function readUpload(
  { files: { contents } }: World,
  { raw }: ApiRequest,
  textFields: readonly string[],
) {
  const form = await readForm(raw, {
    textFields,
    fileFields: ['files[]', 'files'],
    filesMax,
    receive: (content, receivedBytes) => contents.receive(content, skillBytesMax - receivedBytes),
  })
  const files: ZipEntry[] = []
  for (const { filename, content } of form.files)
    files.push({ path: filename ?? '', bytes: await bytesOf(content) })
  const [first] = files
  const isArchive = files.length === 1 && first !== undefined && isZip(first.bytes)
  const bundle = bundleSkill(isArchive ? readZip(first.bytes, skillBytesMax) : files)
  return { bundle, fields: form.fields }
}

function readDisplayName(text: string | undefined, { name }: SkillBundle): string {
  if (text === undefined || text === '') return name
  if (text.length <= displayNameLengthMax && !/[\r\n]/.test(text)) return text
  throw invalidRequest(`display_name: must be one line of at most ${displayNameLengthMax} characters`)
}

async function createSkill(world: World, request: ApiRequest) {
  const { bundle, fields } = await readUpload(world, request, ['display_name', 'display_title'])
  const label = readDisplayName(fields.get('display_name') ?? fields.get('display_title'), bundle)
  return skillView(world.skills.create(bundle, label), request.headers)
}

async function createVersion(world: World, request: ApiRequest) {
  const id = request.param('id')
  // A path that leads nowhere is refused before the upload is read.
  world.skills.find(id)
  const { bundle } = await readUpload(world, request, [])
  return versionView(id, world.skills.addVersion(id, bundle), request.headers)
}

function listSkills({ skills }: World, { query, headers }: ApiRequest) {
  const source = query.get('source')
  if (source !== null && !sources.includes(source)) {
    throw invalidRequest(`source: must be one of \`${sources.join('`, `')}\``)
  }
  const items = skills
    .list()
    .filter((skill) => source === null || skill.source === source)
    .map((skill) => ({ order: skill.order, item: skillView(skill, headers) }))
  return pageView(paginateForward(items, query, 'desc'), headers)
}

function listVersions({ skills }: World, request: ApiRequest) {
  const { headers } = request
  const { id, versions } = skills.find(request.param('id'))
  const items = versions.map((version) => ({ order: version.order, item: versionView(id, version, headers) }))
  return pageView(paginateForward(items, request.query, 'desc'), headers)
}

function downloadVersion({ skills }: World, request: ApiRequest): ApiReply {
  const id = request.param('id')
  const version = request.param('version')
  // Only retrieving a version resolves the alias (SDK 1.12.0 tools/agent-toolset/skills).
  if (version === 'latest')
    throw notFound(`skill \`${id}\` has no version \`latest\`: ask with the id of a version`)
  const { name, archive } = skills.findVersion(id, version)
  return {
    kind: 'stream',
    attach: (response) => {
      response.writeHead(200, {
        'content-type': 'application/zip',
        'content-length': archive.length,
        'content-disposition': attachmentNamed(`${name}.zip`),
      })
      // A reader that leaves has nobody to be told.
      void pipeline(Readable.from([archive]), response).catch(() => {})
    },
  }
}

/** The skill routes over `world`. They need no beta. */
export function skillRoutes(world: World): readonly Route[] {
  const access = 'key-only'
  const { skills } = world
  const one = '/v1/skills/:id'
  const version = `${one}/versions/:version`
  return [
    {
      method: 'POST',
      pattern: '/v1/skills',
      access,
      body: 'raw',
      run: async (request) => json(await createSkill(world, request)),
    },
    { method: 'GET', pattern: '/v1/skills', access, run: (request) => json(listSkills(world, request)) },
    {
      method: 'GET',
      pattern: one,
      access,
      run: (request) => json(skillView(skills.find(request.param('id')), request.headers)),
    },
    {
      method: 'DELETE',
      pattern: one,
      access,
      run: (request) => {
        const id = request.param('id')
        skills.remove(id)
        return json({ id, type: 'skill_deleted' })
      },
    },
    {
      method: 'POST',
      pattern: `${one}/versions`,
      access,
      body: 'raw',
      run: async (request) => json(await createVersion(world, request)),
    },
    {
      method: 'GET',
      pattern: `${one}/versions`,
      access,
      run: (request) => json(listVersions(world, request)),
    },
    {
      method: 'GET',
      pattern: version,
      access,
      run: (request) => {
        const id = request.param('id')
        return json(versionView(id, skills.findVersion(id, request.param('version')), request.headers))
      },
    },
    {
      method: 'DELETE',
      pattern: version,
      access,
      run: (request) => {
        const versionId = request.param('version')
        skills.removeVersion(request.param('id'), versionId)
        return json({ id: versionId, type: 'skill_version_deleted' })
      },
    },
    {
      method: 'GET',
      pattern: `${version}/content`,
      access,
      run: (request) => downloadVersion(world, request),
    },
  ]
}
