// A program that calls every operation on files, skills, models, messages, user profiles, tunnels, and the work queue of
// a self-hosted environment.
import Anthropic from '@anthropic-ai/sdk'
import { z } from 'zod'
import type { Simulator } from '../../src/simulator/simulator.ts'
import { impostorCertificate } from '../support/self-signed.ts'
import type { Program } from '../support/twin-worlds.ts'
import { upload } from './walk-sessions.ts'

const fileSchema = z.object({ id: z.string() })
const dayMs = 86_400_000

export const walkFiles: Program = async (lane, { simulator }) => {
  // Every byte there is, and the boundary's own beginning.
  const bytes = Buffer.concat([
    Buffer.from(Uint8Array.from({ length: 256 }, (_, at) => at)),
    Buffer.from('\r\n--'),
  ])
  const file = await lane.call('files.upload', {}, upload('all bytes.bin', bytes))
  const at = { file_id: file.id }
  await lane.call('files.list', {}, { query: '?limit=1' })
  await lane.call('files.retrieve_metadata', at)
  // A client's own upload is not for download; the refusal is an answer like any other.
  await lane.ask('files.download', at)
  const url = `${simulator.url}/simulator/files?filename=made.bin`
  const written = fileSchema.parse(
    await (await fetch(url, { method: 'POST', body: new Uint8Array(bytes) })).json(),
  )
  await lane.call('files.download', { file_id: written.id })
  await lane.call('files.delete', at)
}

export const walkSkills: Program = async (lane) => {
  const manifest = (text: string) =>
    upload('any/SKILL.md', Buffer.from(`---\nname: counter\ndescription: ${text}\n---\n# How\n`), 'files[]')
  const skill = await lane.call('skills.create', {}, manifest('Counts'))
  const at = { skill_id: skill.id }
  const second = await lane.call('skills.versions.create', at, manifest('Counts more'))
  const version = { ...at, version: second.id }
  await lane.call('skills.list', {}, { query: '?source=custom' })
  await lane.call('skills.retrieve', at)
  await lane.call('skills.versions.list', at)
  await lane.call('skills.versions.retrieve', version)
  await lane.call('skills.versions.download', version)
  await lane.call('skills.versions.delete', version)
  await lane.call('skills.delete', at)
}

export const walkMessages: Program = async (lane, { clock }) => {
  const request = {
    model: 'claude-sonnet-5-5',
    max_tokens: 100,
    messages: [{ role: 'user', content: 'hello — \ud83d\ude00' }],
  }
  await lane.call('models.list', {}, { query: '?limit=2' })
  await lane.call('models.retrieve', { model_id: 'claude-sonnet-5-5' })
  await lane.call('messages.create', {}, { body: request })
  const stream = lane.open('messages.create', {}, { body: { ...request, stream: true } })
  await stream.head
  clock.advance(dayMs)
  await stream.done
  await lane.call('messages.count_tokens', {}, { body: { model: request.model, messages: request.messages } })
  const requests = [1, 2].map((at) => ({ custom_id: `r${at}`, params: request }))
  const batch = await lane.call('messages.batches.create', {}, { body: { requests } })
  const other = await lane.call('messages.batches.create', {}, { body: { requests } })
  const at = { message_batch_id: batch.id }
  await lane.call('messages.batches.list')
  await lane.call('messages.batches.cancel', { message_batch_id: other.id })
  clock.advance(dayMs / 2)
  await lane.call('messages.batches.retrieve', at)
  await lane.call('messages.batches.results', at)
  await lane.call('messages.batches.delete', at)
}

export const walkProfiles: Program = async (lane) => {
  const profile = await lane.call('user_profiles.create', {}, { betas: '', body: { name: 'Ada' } })
  const at = { user_profile_id: profile.id }
  await lane.call('user_profiles.update', at, { betas: '', body: { metadata: { tier: 'gold' } } })
  await lane.call('user_profiles.retrieve', at, { betas: '' })
  await lane.call('user_profiles.list', {}, { betas: '' })
  await lane.call('user_profiles.create_enrollment_url', at, { betas: 'user-profiles-2026-09-04' })
  await lane.call('user_profiles.action_urls.create', at, { body: { action: { type: 'enroll_end_user' } } })
  await lane.call('user_profiles.delete', at)
}

export const walkTunnels: Program = async (lane) => {
  const betas = 'mcp-tunnels-2026-06-22'
  const tunnel = await lane.call('tunnels.create', {}, { betas, body: { display_name: 'office' } })
  const at = { tunnel_id: tunnel.id }
  const pem = { ca_certificate_pem: impostorCertificate }
  const certificate = await lane.call('tunnels.certificates.create', at, { betas, body: pem })
  const one = { ...at, certificate_id: certificate.id }
  await lane.call('tunnels.certificates.list', at, { betas })
  await lane.call('tunnels.certificates.retrieve', one, { betas })
  await lane.call('tunnels.certificates.archive', one, { betas })
  await lane.call('tunnels.retrieve', at, { betas })
  await lane.call('tunnels.list', {}, { betas })
  await lane.call('tunnels.archive', at, { betas })
}

/** The world of a worker: what the gateway holds for its clients is an environment's key. */
export const workerWorld = (key: string) => ({
  apiKeys: ['sk-ant-operator'] as const,
  selfHosted: [{ environmentId: 'env_seat', environmentKey: key }],
})

/** Fetches the work of a session that somebody else has started. */
export const walkWorkAsWorker: Program = async (lane, { simulator }) => {
  const there = await startWork(simulator)
  const polled = await lane.call('environments.work.poll', there, { query: '?block_ms=1' })
  const at = { ...there, work_id: polled.id }
  await lane.call('environments.work.list', there)
  await lane.call('environments.work.ack', at)
  await lane.call('environments.work.heartbeat', at, { query: '?desired_ttl_seconds=60' })
  await lane.call('environments.work.stop', at, { body: { force: true } })
  // Nothing is left: `null`, which is an answer too.
  await lane.call('environments.work.poll', there)
}

/** The world of an operator who looks at that work. */
export const operatorWorld = {
  selfHosted: [{ environmentId: 'env_seat', environmentKey: 'sk-ant-env01-of-somebody-else' }],
}

export const walkWorkAsOperator: Program = async (lane, { simulator }) => {
  const there = await startWork(simulator)
  await lane.call('environments.work.stats', there)
  const worker = new Anthropic({ baseURL: simulator.url, authToken: 'sk-ant-env01-of-somebody-else' })
  const item = await worker.beta.environments.work.poll('env_seat')
  const at = { ...there, work_id: item?.id ?? '' }
  await lane.call('environments.work.retrieve', at)
  await lane.call('environments.work.update', at, { body: { metadata: { a: 'b' } } })
  await lane.call('environments.work.stop', at, { body: {} })
}

/** A session on the environment that is there from the start, made without being recorded. */
async function startWork({ url, apiKey }: Simulator) {
  const { agents, sessions } = new Anthropic({ baseURL: url, apiKey }).beta
  const agent = await agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  const session = await sessions.create({ agent: agent.id, environment_id: 'env_seat' })
  const content = [{ type: 'text' as const, text: 'go' }]
  await sessions.events.send(session.id, { events: [{ type: 'user.message', content }] })
  return { environment_id: 'env_seat' }
}
