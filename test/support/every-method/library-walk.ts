// Every method of files, skills, models and user profiles, of both clients: `client.beta` and `client`.
import { toFile } from '@anthropic-ai/sdk'
import { collect, type Stage, three } from './stage.ts'

const page = { limit: 1 }

export async function walkFiles({ client, simulator }: Stage): Promise<void> {
  for (const files of [client.beta.files, client.files]) {
    const [first, second] = await three(async (name) =>
      files.upload({ file: await toFile(Buffer.from(name), `${name}.txt`), expires_in_seconds: 3600 }),
    )
    await files.retrieveMetadata(first.id)
    await collect(files.list(page))
    await files.delete(second.id)
    // What a session wrote is the only kind that can be downloaded.
    const query = new URLSearchParams({ filename: 'out.csv', scope_id: 'sesn_1' })
    await fetch(`${simulator.url}/simulator/files?${query}`, { method: 'POST', body: 'a,b' })
    const [written] = (await files.list()).data
    const content = await files.download(written?.id ?? '')
    if ((await content.text()) !== 'a,b') throw new Error('the download is not what was written')
  }
  await collect(client.beta.files.list({ scope_id: 'sesn_1', betas: ['managed-agents-2026-04-01'] }))
}

const skillFiles = (description: string) => {
  const text = `---\nname: counter\ndescription: ${description}\n---\n# How\n`
  return Promise.all([toFile(Buffer.from(text), 'counter/SKILL.md')])
}

export async function walkSkills({ client }: Stage): Promise<void> {
  for (const { skills, download } of [
    { skills: client.beta.skills, download: true },
    { skills: client.skills, download: false },
  ]) {
    const skill = await skills.create({ files: await skillFiles('first'), display_name: 'Counter' })
    const [second] = await three(async (text) =>
      skills.versions.create(skill.id, { files: await skillFiles(text) }),
    )
    const own = { skill_id: skill.id }
    await skills.retrieve(skill.id)
    await collect(skills.list(page))
    await skills.versions.retrieve('latest', own)
    await collect(skills.versions.list(skill.id, page))
    if (download) await (await client.beta.skills.versions.download(second.id, own)).arrayBuffer()
    await skills.versions.delete(second.id, own)
    await skills.delete(skill.id)
  }
}

export async function walkModels({ client }: Stage): Promise<void> {
  for (const models of [client.beta.models, client.models]) {
    const [first] = await collect(models.list(page))
    await models.retrieve(first?.id ?? '')
  }
}

export async function walkUserProfiles({ client }: Stage): Promise<void> {
  const current = client.userProfiles
  const [first, , third] = await three((name) =>
    current.create({ name, external_user_details: { reference_id: name, country: 'DE' } }),
  )
  await current.update(first.id, { metadata: { plan: 'gold' } })
  await current.retrieve(first.id)
  await collect(current.list(page))
  await current.actionURLs.create(first.id, { action: { type: 'enroll_end_user' } })
  await current.delete(third.id)

  const old = client.beta.userProfiles
  const profile = await old.create({ name: 'Bob', external_id: 'row-9' })
  await old.update(profile.id, { external_id: 'row-10' })
  await old.retrieve(profile.id)
  await collect(old.list(page))
  await old.actionURLs.create(profile.id, { action: { type: 'enroll_end_user' } })
  await old.createEnrollmentURL(profile.id)
  await old.delete(profile.id)
}
