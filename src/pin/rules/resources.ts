// What is mounted into a run: a repository at a branch changes under it, and so does a memory it may write.
import type { Examined, Finding, JsonPath, PinRule } from '../rule.ts'
import { fieldsAt, isAbsent, listAt, pathText, readably, unreadable, wordAt } from './reading.ts'

const operations: ReadonlySet<string> = new Set([
  'sessions.create',
  'deployments.create',
  'deployments.update',
])
const bodyNames = new Set(['resources'])
const resourceNames = new Set(['type', 'url', 'checkout', 'memory_store_id', 'access', 'instructions'])
const checkoutNames = new Set(['type', 'name', 'sha'])

type Resource = { readonly path: JsonPath; readonly fields: { readonly [key: string]: unknown } }

function resourcesOf({ parsed }: Examined, type: string): readonly Resource[] {
  const { resources } = fieldsAt(parsed, [], bodyNames)
  return listAt(resources, ['resources']).flatMap((resource, index) => {
    const path = ['resources', index]
    const fields = fieldsAt(resource, path, resourceNames)
    return wordAt(fields['type'], [...path, 'type']) === type ? [{ path, fields }] : []
  })
}

/** Way 17: every repository at a whole commit hash; forced from `commits:` of pins.yaml. */
export const repositoryCommits: PinRule = {
  requirement: 'repository_commits',
  ways: [17],
  operations,
  examine: readably('repository_commits', (request) =>
    resourcesOf(request, 'github_repository').flatMap(({ path, fields }): readonly Finding[] => {
      const url = repositoryUrl(fields['url'], [...path, 'url'])
      const requested = checkoutOf(fields['checkout'], [...path, 'checkout'])
      if (requested === null) return []
      const sha = commitFor(request, url)
      const checkout = JSON.stringify({ type: 'commit', sha: sha ?? '<40 hex digits>' })
      const where = sha === null ? '; pins.yaml names no commit for it under `commits`' : ''
      return [
        {
          requirement: 'repository_commits',
          ...{ path, requested, resolved: sha ?? '' },
          sentence: `\`${pathText(path)}\` mounts \`${url}\` at ${requested}, which moves; send \`"checkout": ${checkout}\`${where}`,
          edits: sha === null ? null : [{ kind: 'set', path: [...path, 'checkout'], text: checkout }],
        },
      ]
    }),
  ),
}

const wholeHash = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i

/** What is checked out, for people; null when it is a whole commit hash. A short one may be a branch's name. */
function checkoutOf(checkout: unknown, path: JsonPath): string | null {
  if (isAbsent(checkout)) return 'the default branch'
  const fields = fieldsAt(checkout, path, checkoutNames)
  const type = wordAt(fields['type'], [...path, 'type'])
  if (type !== 'commit' && type !== 'branch') return unreadable([...path, 'type'])
  const key = type === 'commit' ? 'sha' : 'name'
  const name = wordAt(fields[key], [...path, key])
  return type === 'commit' && wholeHash.test(name) ? null : `${type} ${pathText([name])}`
}

/** The host takes a repository's name in any case, with `.git` or without. */
const plainUrl = (url: string): string =>
  url
    .toLowerCase()
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')

function repositoryUrl(url: unknown, path: JsonPath): string {
  // A user or a token before the host is never shown, and never read.
  const word = wordAt(url, path)
  return /^https?:\/\/[^@?#]*$/i.test(word) ? plainUrl(word) : unreadable(path)
}

function commitFor({ pins }: Examined, url: string): string | null {
  for (const [name, sha] of pins.commits) if (plainUrl(name) === url) return sha
  return null
}

/**
 * Way 19: memories are attached read-only, and without `instructions`, which are a system prompt of their own. `allow`
 * lists stores that may be written, and `instructions`.
 */
export const memoryReadOnly: PinRule = {
  requirement: 'memory_read_only',
  ways: [19],
  operations,
  examine: readably('memory_read_only', (request, { allow }) =>
    resourcesOf(request, 'memory_store').flatMap(({ path, fields }) => {
      const store = wordAt(fields['memory_store_id'], [...path, 'memory_store_id'])
      const mayWrite = allow.includes(store)
      const access = mayWrite ? [] : accessFinding(path, store, fields['access'])
      if (isAbsent(fields['instructions']) || allow.includes('instructions')) return access
      return [...access, instructionsFinding(path, store)]
    }),
  ),
}

function accessFinding(path: JsonPath, store: string, access: unknown): readonly Finding[] {
  const requested = isAbsent(access) ? 'read_write' : wordAt(access, [...path, 'access'])
  if (requested === 'read_only') return []
  const edit = { kind: 'set', path: [...path, 'access'], text: '"read_only"' } as const
  return [
    {
      requirement: 'memory_read_only',
      ...{ path, requested, resolved: 'read_only', edits: [edit] },
      sentence: `\`${pathText(path)}\` lets the run write the memory \`${store}\`; send \`"access": "read_only"\` in it`,
    },
  ]
}

function instructionsFinding(path: JsonPath, store: string): Finding {
  const within = [...path, 'instructions']
  return {
    requirement: 'memory_read_only',
    ...{ path: within, requested: 'instructions', resolved: 'left out' },
    sentence: `\`${pathText(within)}\` adds to the system prompt with the memory \`${store}\`; leave it out, and say it in the agent`,
    edits: [{ kind: 'remove', path: within }],
  }
}
