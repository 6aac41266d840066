// Reads tokens by a directory whose issuers all have this one key, at a moment that stands still.
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Directory } from '../../src/identify/directory.ts'
import { createTokens, type Tokens } from '../../src/identify/tokens/tokens.ts'
import { jwksOf, type SignedBy } from './issuer.ts'

export function createReader(at: {
  readonly directory: Directory
  readonly key: SignedBy
  readonly nowMs: number
}): Tokens['identifyToken'] {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-issuers-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const jwks = jwksOf(at.key)
  for (const { keys } of at.directory.issuers.values()) {
    if (keys.kind === 'url') continue
    mkdirSync(dirname(join(folder, keys.path)), { recursive: true })
    writeFileSync(join(folder, keys.path), jwks)
  }
  return createTokens({
    directory: () => at.directory,
    clock: { nowMs: () => at.nowMs, monotonicMs: () => 0 },
    signingKey: { ...generateKeyPairSync('ed25519'), kid: 'own' },
    policiesFolder: folder,
    fetchJwks: async () => jwks,
    onProblem: () => {},
  }).identifyToken
}
