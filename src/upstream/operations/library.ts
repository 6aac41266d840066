// What sessions are built from and what runs beside them: files, skills, models, messages, user profiles,
// tunnels (SDK 1.12.0 resources/files, skills, models, messages, user-profiles, beta/tunnels).
import type { Operation } from '../operation-type.ts'
import { rowsOf } from './row.ts'

const file = rowsOf('file')
const skill = rowsOf('skill')
const model = rowsOf('model')
const message = rowsOf('message')
const profile = rowsOf('user_profile')
const tunnel = rowsOf('tunnel')

const onBatch = { on: 'message_batch_id', body: 'none' } as const
const onProfile = { on: 'user_profile_id' } as const
const onTunnel = { on: 'tunnel_id', body: 'none' } as const

/** Files and skills are uploaded as multipart, which passes unread. */
const contentOperations: readonly Operation[] = [
  file.post('files.upload', '/v1/files', 'create', { body: 'stream' }),
  file.read('files.list', '/v1/files'),
  file.read('files.retrieve_metadata', '/v1/files/:file_id', 'file_id'),
  file.remove('files.delete', '/v1/files/:file_id', 'file_id'),
  file.download('files.download', '/v1/files/:file_id/content', 'file_id'),

  // A skill's versions are the skill: the object judged is always `skill_id`.
  skill.post('skills.create', '/v1/skills', 'create', { body: 'stream' }),
  skill.read('skills.list', '/v1/skills'),
  skill.read('skills.retrieve', '/v1/skills/:skill_id', 'skill_id'),
  skill.remove('skills.delete', '/v1/skills/:skill_id', 'skill_id'),
  skill.post('skills.versions.create', '/v1/skills/:skill_id/versions', 'update', {
    on: 'skill_id',
    body: 'stream',
  }),
  skill.read('skills.versions.list', '/v1/skills/:skill_id/versions', 'skill_id'),
  skill.read('skills.versions.retrieve', '/v1/skills/:skill_id/versions/:version', 'skill_id'),
  skill.remove('skills.versions.delete', '/v1/skills/:skill_id/versions/:version', 'skill_id'),
  skill.download('skills.versions.download', '/v1/skills/:skill_id/versions/:version/content', 'skill_id'),
]

/** Direct model calls go around agents and versions; policy sees them as `message.*`. */
const modelOperations: readonly Operation[] = [
  model.read('models.list', '/v1/models'),
  model.read('models.retrieve', '/v1/models/:model_id', 'model_id'),

  // Answers an event stream when the body says `stream: true`; the response's content type decides.
  message.post('messages.create', '/v1/messages', 'create'),
  message.post('messages.count_tokens', '/v1/messages/count_tokens', 'count', { mutates: false }),
  message.post('messages.batches.create', '/v1/messages/batches', 'create'),
  message.read('messages.batches.list', '/v1/messages/batches'),
  message.read('messages.batches.retrieve', '/v1/messages/batches/:message_batch_id', 'message_batch_id'),
  message.post('messages.batches.cancel', '/v1/messages/batches/:message_batch_id/cancel', 'cancel', onBatch),
  message.remove('messages.batches.delete', '/v1/messages/batches/:message_batch_id', 'message_batch_id'),
  message.download(
    'messages.batches.results',
    '/v1/messages/batches/:message_batch_id/results',
    'message_batch_id',
  ),
]

const profileOperations: readonly Operation[] = [
  profile.post('user_profiles.create', '/v1/user_profiles', 'create'),
  profile.read('user_profiles.list', '/v1/user_profiles'),
  profile.read('user_profiles.retrieve', '/v1/user_profiles/:user_profile_id', 'user_profile_id'),
  profile.post('user_profiles.update', '/v1/user_profiles/:user_profile_id', 'update', onProfile),
  profile.remove('user_profiles.delete', '/v1/user_profiles/:user_profile_id', 'user_profile_id'),
  profile.post(
    'user_profiles.create_enrollment_url',
    '/v1/user_profiles/:user_profile_id/enrollment_url',
    'enroll',
    { ...onProfile, body: 'none' },
  ),
  profile.post(
    'user_profiles.action_urls.create',
    '/v1/user_profiles/:user_profile_id/action_urls',
    'enroll',
    onProfile,
  ),
]

/** Without `reveal_token` and `rotate_token`, which answer a secret: see `leftOut` in operations.ts. */
const tunnelOperations: readonly Operation[] = [
  tunnel.post('tunnels.create', '/v1/tunnels', 'create'),
  tunnel.read('tunnels.list', '/v1/tunnels'),
  tunnel.read('tunnels.retrieve', '/v1/tunnels/:tunnel_id', 'tunnel_id'),
  tunnel.post('tunnels.archive', '/v1/tunnels/:tunnel_id/archive', 'archive', onTunnel),
  tunnel.post('tunnels.certificates.create', '/v1/tunnels/:tunnel_id/certificates', 'update', {
    on: 'tunnel_id',
  }),
  tunnel.read('tunnels.certificates.list', '/v1/tunnels/:tunnel_id/certificates', 'tunnel_id'),
  tunnel.read(
    'tunnels.certificates.retrieve',
    '/v1/tunnels/:tunnel_id/certificates/:certificate_id',
    'tunnel_id',
  ),
  tunnel.post(
    'tunnels.certificates.archive',
    '/v1/tunnels/:tunnel_id/certificates/:certificate_id/archive',
    'update',
    onTunnel,
  ),
]

/** Everything around sessions that the same key reaches. */
export const libraryOperations: readonly Operation[] = [
  ...contentOperations,
  ...modelOperations,
  ...profileOperations,
  ...tunnelOperations,
]
