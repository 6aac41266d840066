// The `workloads:` of `directory.yaml`: whose certificates are believed, and which of their ids are which callers.
import { z } from 'zod'
import {
  type CallerRule,
  callerTemplate,
  type DirectoryNames,
  type FailAt,
  ruleName,
} from '../caller-rules.ts'
import { claimsInTemplate } from '../tokens/caller-template.ts'
import { parseSpiffeId, trustDomainPattern } from './spiffe-id.ts'

/** One trust domain, and for whom its ids speak. */
export type Workload = {
  readonly id: string
  readonly trustDomain: string
  /** The first that fits decides. */
  readonly rules: readonly CallerRule[]
}

/** All trust domains, by their names, and the callers whose keys and tokens count only beside their certificate. */
export type Workloads = {
  readonly domains: ReadonlyMap<string, Workload>
  readonly boundCallers: ReadonlySet<string>
}

const pathPattern = z
  .string()
  .max(2048)
  .refine((text) => {
    // The star stands for whole segments: `/ns/pay*` would let in `/ns/payments-of-somebody-else` too.
    const path = text.endsWith('/*') ? `${text.slice(0, -1)}x` : text
    return parseSpiffeId(`spiffe://domain${path}`) !== null
  }, 'must be the path of a SPIFFE id, such as `/ns/payments/sa/runner`, or end in `/*` for all below it')

const segmentPattern = /^path\.[1-9]$/

const ruleSchema = z
  .strictObject({
    when: z.strictObject({ path: pathPattern }),
    caller: callerTemplate.refine(
      (text) => claimsInTemplate(text).every((claim) => segmentPattern.test(claim)),
      {
        error: 'may hold segments of the path alone, such as `mesh-{path.2}`',
      },
    ),
    team: ruleName,
    roles: z.array(ruleName),
    bind: z.boolean().default(false),
  })
  .refine(({ bind, caller }) => !bind || claimsInTemplate(caller).length === 0, {
    path: ['bind'],
    error: 'needs a caller name without placeholders',
  })

/** One trust domain as written; `linkWorkloads` makes it a `Workload`. */
export const workloadSchema = z.strictObject({
  id: ruleName,
  trust_domain: z
    .string()
    .regex(trustDomainPattern, 'must be a trust domain in lower case, such as `prod.acme.example`'),
  callers: z.array(ruleSchema).min(1, 'must have a rule: without one nobody is let in'),
})

/**
 * Refuses a trust domain written twice and a `bind` to nobody. `named` are the callers that can identify themselves in
 * another way than by certificate; `checkCallerRules` judges the rest.
 */
export function linkWorkloads(
  written: readonly z.output<typeof workloadSchema>[],
  { listed }: Pick<DirectoryNames, 'listed'>,
  namedByIssuers: ReadonlySet<string>,
  fail: FailAt,
): Workloads {
  const domains = new Map<string, Workload>()
  const boundCallers = new Set<string>()
  for (const [at, { id, trust_domain: trustDomain, callers }] of written.entries()) {
    if (domains.has(trustDomain)) fail(['workloads', at, 'trust_domain'], `repeats \`${trustDomain}\``)
    for (const [ruleAt, { bind, caller }] of callers.entries()) {
      if (!bind) continue
      if (!listed.has(caller) && !namedByIssuers.has(caller)) {
        const reason = `binds nobody: caller \`${caller}\` has neither keys nor a token of an issuer`
        fail(['workloads', at, 'callers', ruleAt, 'bind'], reason)
      }
      boundCallers.add(caller)
    }
    const rules = callers.map(({ when, caller, team, roles }) => ({
      when: [{ claim: 'path', pattern: when.path }],
      caller,
      team,
      roles,
    }))
    domains.set(trustDomain, { id, trustDomain, rules })
  }
  return { domains, boundCallers }
}
