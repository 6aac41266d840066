// The examples of docs/identity.md, word for word, each with a token of the shape its issuer really signs.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseDirectory } from '../../src/identify/directory.ts'
import { type Claims, createIssuerKey, signToken } from '../support/issuer.ts'
import { createReader } from '../support/token-reader.ts'

const page = readFileSync(new URL('../../docs/identity.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/```yaml\n(issuers:[\s\S]*?)```/g)].map((match) => match[1] ?? '')
const roles = new Set(['service', 'viewer'])
const startMs = Date.UTC(2027, 0, 1)
const audience = 'https://tollgate.acme.example'
const tenant = '8f3a1c5e-0000-4000-8000-00000000aaaa'

const github: Claims = {
  iss: 'https://token.actions.githubusercontent.com',
  aud: audience,
  sub: 'repo:acme/payments:environment:production',
  repository: 'Acme/Payments',
  repository_id: '74',
  repository_owner: 'acme',
  repository_owner_id: '65',
  ref: 'refs/heads/main',
  environment: 'production',
  event_name: 'push',
  run_id: '30433642',
  jti: 'e1',
}
const cluster: Claims = {
  iss: 'https://kubernetes.default.svc.cluster.local',
  aud: [audience],
  sub: 'system:serviceaccount:payments:runner',
  'kubernetes.io': {
    namespace: 'payments',
    node: { name: 'n1', uid: 'u1' },
    pod: { name: 'p1', uid: 'u2' },
    serviceaccount: { name: 'runner', uid: 'u3' },
  },
}
const google: Claims = {
  iss: 'https://accounts.google.com',
  aud: audience,
  azp: '1184',
  sub: '1184',
  email: 'runner@acme-payments.iam.gserviceaccount.com',
  email_verified: true,
  google: { compute_engine: { project_id: 'acme-payments', instance_name: 'vm-1', zone: 'europe-west1-b' } },
}
const entra: Claims = {
  iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
  aud: '11111111-0000-4000-8000-00000000bbbb',
  sub: '22222222-0000-4000-8000-00000000cccc',
  oid: '22222222-0000-4000-8000-00000000cccc',
  tid: tenant,
  roles: ['Tollgate.Read', 'Tollgate.Run'],
  ver: '2.0',
}

test('the page has the four examples', () => expect(blocks).toHaveLength(4))

test.each<[string, Claims, string]>([
  ['GitHub Actions, from the release environment', github, 'gh-payments-release'],
  ['GitHub Actions, from any other push', { ...github, ref: 'refs/heads/x' }, 'gh-acme.payments'],
  [
    'GitHub Actions, of another owner',
    { ...github, repository_id: '9', repository_owner_id: '9' },
    'refused',
  ],
  ['Kubernetes', cluster, 'k8s-payments.runner'],
  ['Kubernetes, of another namespace', { ...cluster, 'kubernetes.io': { namespace: 'data' } }, 'refused'],
  ['Google Cloud', google, 'gcp-payments-runner'],
  ['Google Cloud, without a verified address', { ...google, email_verified: false }, 'gcp-vm-vm-1'],
  ['Google Cloud, of another project', { ...google, email: 'x@y', google: {} }, 'refused'],
  ['Entra', entra, 'az-payments-runner'],
  ['Entra, without the role', { ...entra, roles: ['Tollgate.Read'] }, 'refused'],
])('the example lets in %s as it says', async (_name, claims, expected) => {
  const block = blocks.find((text) => text.includes(`issuer: ${String(claims['iss'])}\n`)) ?? ''
  const text = `teams: [{ name: payments, cost_centre: CC-1 }]\ncallers: []\n${block}`
  const directory = parseDirectory(text, 'directory.yaml', roles)
  const key = createIssuerKey('RS256')
  const identify = createReader({ directory, key, nowMs: startMs })
  const times = { iat: startMs / 1000, nbf: startMs / 1000, exp: startMs / 1000 + 3600 }
  const answer = await identify(await signToken(key, { ...claims, ...times }))
  expect('kind' in answer ? 'refused' : answer.id).toBe(expected)
})
