// The SDK's versions side by side, each under its alias in this package. The compiler knows none of them, because they
// may not be installed: what all have in common is written against the types of the newest, the repository's own.
import { readFileSync } from 'node:fs'
import type Anthropic from '@anthropic-ai/sdk'
import { z } from 'zod'
import type { World } from './worlds.ts'

export const versions = ['0.88', '0.109', '0.137', '1.0', '1.12'] as const
export type Version = (typeof versions)[number]

const moduleShape = z.object({
  default: z.custom<typeof Anthropic>((value) => typeof value === 'function', 'not a class'),
})
const packageShape = z.object({ name: z.string(), version: z.string() })

const load = (name: string): Promise<unknown> => import(name)

export type Sdk = {
  /** A client as people make it: an address and a key, sent the way this version sends keys. It tries once. */
  readonly connect: (world: Pick<World, 'url' | 'key'>, options?: ConnectOptions) => Anthropic
  /** What the installed package says it is. */
  readonly installed: string
}

type ConnectOptions = { readonly maxRetries?: number; readonly asToken?: boolean }

/** Loads one version. Throws when it is not installed. */
export async function loadSdk(version: Version): Promise<Sdk> {
  const { default: Client } = moduleShape.parse(await load(`sdk-${version}`))
  const manifest = new URL(`node_modules/sdk-${version}/package.json`, import.meta.url)
  return {
    installed: packageShape.parse(JSON.parse(readFileSync(manifest, 'utf8'))).version,
    connect: ({ url, key }, { asToken = false, ...options } = {}) =>
      new Client({
        baseURL: url,
        maxRetries: 0,
        ...options,
        ...(asToken ? { apiKey: null, authToken: key } : { apiKey: key }),
      }),
  }
}
