// What a person sees when the gateway has started: where it is, how to get in, and five lines to paste.
import type { Secret } from './kernel/secret.ts'

export type BannerFacts = {
  readonly gatewayUrl: string
  readonly adminUrl: string
  readonly upstream: string
  readonly ledger: string
  readonly policiesDir: string
  readonly firstKey: { readonly key: Secret; readonly expiresMs: number } | undefined
}

/** The text for standard output. The only place that ever shows a caller key, and only on the day it is made. */
export function renderBanner(facts: BannerFacts): string {
  const { gatewayUrl, adminUrl, upstream, ledger, policiesDir, firstKey } = facts
  const key = firstKey?.key.reveal()
  const lines = [
    '',
    'Tollgate is up.',
    '',
    `  gateway   ${gatewayUrl}   (base URL for the SDK)`,
    `  admin     ${adminUrl}   (/ready, /metrics, /api/v1/usage)`,
    `  upstream  ${upstream}`,
    `  ledger    ${ledger}`,
    `  policies  ${policiesDir}`,
    '',
    ...keyLines(facts, key),
    '',
    'Paste into a project that has @anthropic-ai/sdk:',
    '',
    "  import Anthropic from '@anthropic-ai/sdk'",
    `  const client = new Anthropic({ baseURL: '${gatewayUrl}', apiKey: ${key === undefined ? 'process.env.TOLLGATE_KEY' : `'${key}'`} })`,
    "  const environment = await client.beta.environments.create({ name: 'first' })",
    "  const agent = await client.beta.agents.create({ name: 'first', model: 'claude-sonnet-5-5' })",
    '  console.log(await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id }))',
    '',
    'Or, in another terminal:',
    '',
    `  export TOLLGATE_KEY=${key ?? '<your key>'}`,
    `  ${elsewhere('TOLLGATE_URL', gatewayUrl, 8787)}npm run example`,
    `  ${elsewhere('TOLLGATE_ADMIN_URL', adminUrl, 8788)}node bin/tollgate.mjs usage --group-by agent`,
    '',
  ]
  return `${lines.join('\n')}\n`
}

function keyLines({ firstKey, policiesDir }: BannerFacts, key: string | undefined): readonly string[] {
  if (firstKey === undefined || key === undefined) {
    return [
      `Caller keys are in ${policiesDir}/directory.yaml, as hashes. A key is shown once, when it is made; another one:`,
      '',
      '  node bin/tollgate.mjs keys create --caller first-admin',
    ]
  }
  return [
    'Your caller key, made just now and shown this once (only its hash is kept):',
    '',
    `  ${key}`,
    '',
    `It is an admin of the team \`platform\` and works on both addresses until ${new Date(firstKey.expiresMs).toISOString().slice(0, 10)}.`,
  ]
}

/** The commands look on the usual ports by themselves; elsewhere they must be told. */
function elsewhere(variable: string, url: string, usualPort: number): string {
  return url === `http://127.0.0.1:${usualPort}` ? '' : `${variable}=${url} `
}
