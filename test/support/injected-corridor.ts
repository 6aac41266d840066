// The corridor without a network: the real gateway and the real rooms of the way in, asked by injection. Where bytes would
// go up they are kept, beside what was judged for them.
import { readFileSync } from 'node:fs'
import type { AuthorizeRequest } from '../../src/authorize/authorize.ts'
import { createAuthorize } from '../../src/authorize/authorize.ts'
import { createCarriedAgents } from '../../src/authorize/carried-agents.ts'
import { createConfirmedTools } from '../../src/authorize/confirmed-tools.ts'
import type { TeamOwner } from '../../src/authorize/ownership/owner.ts'
import { createOwnership } from '../../src/authorize/ownership/ownership.ts'
import type { Permit } from '../../src/authorize/permit.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'
import { type GatewayDeps, registerGateway } from '../../src/gateway/gateway.ts'
import { createGatewayServer } from '../../src/gateway/server.ts'
import type { Identify } from '../../src/identify/identify.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { readJsonBody } from '../../src/upstream/body.ts'
import { operations } from '../../src/upstream/operations.ts'
import { canonicalPath } from '../../src/upstream/path.ts'
import { callerOf } from './caller-of.ts'

/** What went up, and what the judge was shown for it. */
export type Sent = { readonly permit: Permit; readonly judged: AuthorizeRequest }

export type Asked = {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: Buffer | string
  readonly headers?: { readonly [name: string]: string }
  readonly ip?: string
}

export type Reply = { readonly status: number; readonly code: string; readonly sent: Sent | null }

export type InjectedCorridor = {
  readonly ask: (asked: Asked) => Promise<Reply>
  /** Reads of ours that the upstream was asked. */
  readonly reads: string[]
  readonly close: () => Promise<void>
}

export type CorridorRules = {
  /** Rules beside nothing: without a rule for it, nothing is allowed. Everything, when left out. */
  readonly policy?: string
  /** Nothing is pinned, when left out. */
  readonly pin?: GatewayDeps['pin']
  /** What the upstream answers a read of ours; null is a 404. Everything is the caller's own, when left out. */
  readonly objectAt?: (path: string) => object | null
  /** Whose the ledger says this is; nobody's, when left out. */
  readonly teamOf?: (id: string) => string | null
  readonly identify?: Identify
}

/** The caller of every request, unless `identify` says otherwise. */
export const injectedCaller = callerOf({ id: 'ci', team: 'beta', roles: ['x'] })

const modelText = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8')
/** An object of the caller's own, as anything that is asked for by id. */
const ownAt = (path: string): object => ({
  id: path.split(/[/?]/)[3],
  version: 1,
  metadata: { tollgate_owner: 'beta/ci' },
})

/** Opens one. */
export async function openInjectedCorridor(rules: CorridorRules = {}): Promise<InjectedCorridor> {
  const policyText = rules.policy ?? 'p, role:x, *, *, *, allow\n'
  const snapshot = await createSnapshot({
    modelText,
    policyText,
    policy: parsePolicy(policyText, 'policy.csv'),
    grants: [{ caller: 'ci', role: 'x', team: 'beta' }],
    teams: new Set(['alpha', 'beta']),
  })
  const reads: string[] = []
  const readUpstream = async (_team: string, path: string) => {
    reads.push(path)
    const object = (rules.objectAt ?? ownAt)(path)
    return { status: object === null ? 404 : 200, text: JSON.stringify(object), body: object ?? {} }
  }
  const ownership = createOwnership({
    readUpstream,
    readOwners: async (_kind, ids) =>
      new Map(
        ids.flatMap((id): [string, TeamOwner][] => {
          const team = rules.teamOf?.(id) ?? null
          return team === null ? [] : [[id, { team, caller: 'somebody' }]]
        }),
      ),
    snapshot: () => snapshot,
    unownedTo: () => null,
    stamping: true,
  })
  const authorize = createAuthorize({
    snapshot: () => snapshot,
    checkOwnership: ownership.checkOwnership,
    findCarried: createCarriedAgents({ readUpstream, upstreamOf: () => '' }),
    findConfirmed: createConfirmedTools({ readUpstream }),
  })
  const judgedFor = new WeakMap<object, AuthorizeRequest>()
  let sent: Sent | null = null
  const app = createGatewayServer({ bodyLimitBytes: 32 * 1024 * 1024, onMalformed: () => {} })
  registerGateway(app, {
    operations,
    clock: systemClock,
    canonicalPath,
    methodsAt: () => [],
    readJsonBody,
    identify: rules.identify ?? (() => injectedCaller),
    readPeerCertificate: () => null,
    recheck: () => null,
    fund: () => null,
    stopped: () => null,
    writeLimit: (body) => body,
    stamp: ownership.stamp,
    editAnswer: () => null,
    beforeForward: () => null,
    tokenEndpoint: null,
    pin: rules.pin ?? (() => ({ kind: 'open' })),
    authorize: (request) => {
      const keep = (decision: Awaited<ReturnType<typeof authorize>>) => {
        judgedFor.set(decision, request)
        return decision
      }
      const decision = authorize(request)
      return decision instanceof Promise ? decision.then(keep) : keep(decision)
    },
    inspect: () => {},
    journalAccepts: () => true,
    isClosing: () => false,
    startSpan: () => ({ traceId: '', traceparent: '', end: () => {} }),
    forward: ({ permit, response }) => {
      const judged = judgedFor.get(permit)
      if (judged === undefined) throw new Error('a permit that nobody judged')
      sent = { permit, judged }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    },
    createTap: () => null,
    onOpened: () => {},
    onSettled: () => {},
  })
  await app.ready()
  return {
    reads,
    ask: async ({ method = 'POST', path, body, headers = {}, ip = '127.0.0.1' }) => {
      sent = null
      const answer = await app.inject({
        method,
        url: path,
        remoteAddress: ip,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { payload: body }),
      })
      return { status: answer.statusCode, code: codeIn(answer.body), sent }
    },
    close: () => app.close(),
  }
}

const codePattern = /"error_code":"([a-z_.]+)"/
const codeIn = (text: string): string => codePattern.exec(text)?.[1] ?? ''
