/**
 * A registration: the slug decides, and holds all that follows: account, policy, agent and token. What a crash left undone is
 * done from the claim of the slug alone, so that there is never half an account.
 */
import type { SlugClaim } from '../../events/rungate/account.ts'
import { defaultSettings } from '../../events/rungate/policy-settings.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { account, accountSlug, slugIdOf } from './account.ts'
import { createAgent, createPolicy } from './creating.ts'
import { Rejected } from './rejection.ts'
import { issueToken } from './tokens.ts'

export const SYSTEM: Author = { id: 'system', tokenId: null }
export const DEFAULT_POLICY = 'default'
export const REGISTRATION_TOKEN = 'registration'

const RESERVED = new Set(
  'admin api app auth docs health login mail root rungate status support system v1 www'.split(' '),
)
const SLUG = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/
const SLUG_LENGTH = { min: 3, max: 50 }

/** What is wrong with a slug; undefined: nothing. */
export function slugFault(slug: string): string | undefined {
  const { min, max } = SLUG_LENGTH
  if (slug.length < min || slug.length > max) return `must have ${min} to ${max} characters`
  if (!SLUG.test(slug)) return 'must have lower-case letters, digits and hyphens only, and no hyphen at its ends'
  return RESERVED.has(slug) ? 'is reserved' : undefined
}

/** A slug that says the name, and others of its kind where that is taken: the first, the second, … */
export function slugFrom(name: string, attempt: number): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
  const suffix = attempt === 0 ? '' : `-${attempt + 1}`
  const cut = plain.replace(/^-+/, '').slice(0, SLUG_LENGTH.max - suffix.length)
  const base = cut.replace(/-+$/, '')
  const known = base.length < SLUG_LENGTH.min || RESERVED.has(base) ? `account-${base}`.replace(/-$/, '') : base
  return `${known.slice(0, SLUG_LENGTH.max - suffix.length)}${suffix}`
}

/** Slugs that are tried in turn where the caller has named none. */
const ATTEMPTS_MAX = 50

type Wanted = Omit<SlugClaim, 'slug' | 'occurredAt'>

/** Makes the account. Rejects with slug_taken where the slug was named. */
export async function register(
  bus: CommandBus,
  { slug: given, agentName, ...wanted }: Wanted & { slug: string | undefined; agentName: string | undefined },
  context: CommandContext,
) {
  for (let attempt = 0; ; attempt++) {
    const slug = given ?? slugFrom(wanted.registration.name, attempt)
    const { registration } = wanted
    const named = { ...registration, agent: { ...registration.agent, name: agentName ?? slug } }
    const claim = { ...wanted, registration: named, slug, occurredAt: context.at }
    try {
      await bus.handle(accountSlug, slugIdOf(slug), { claim }, context)
      return { claim, position: await finishRegistration(bus, claim, context) }
    } catch (error) {
      const isTaken = error instanceof Rejected && error.code === 'slug_taken' && given === undefined
      if (!isTaken || attempt === ATTEMPTS_MAX) throw error
    }
  }
}

/** Everything that a claimed slug stands for. A second time does nothing. Answers the position of the last event. */
export async function finishRegistration(
  bus: CommandBus,
  { accountId, slug, registration, occurredAt }: SlugClaim,
  context: CommandContext,
): Promise<bigint | undefined> {
  const { name, policyId, agent, token } = registration
  const of = { accountId, author: SYSTEM, occurredAt }
  const facts = { accountId, slug, name, tier: 'free' as const, isHosted: false }
  await bus.handle(account, accountId, { kind: 'register', facts, at: occurredAt }, context)
  const version = { policyId, name: DEFAULT_POLICY, settings: defaultSettings, version: 1, memberId: null }
  await createPolicy(bus, { ...of, ...version }, context)
  const { agentId, name: agentName, ...agentKey } = agent
  const profile = {
    ...{ name: agentName, description: null, policyId, allowedPolicies: null, providerKeys: {} },
    ...{ routingOverride: null, metadata: {}, status: 'active' as const },
  }
  await createAgent(bus, { ...of, agentId, ...agentKey, memberId: null, profile }, context)
  const scopes = { scopes: ['admin' as const], description: null, expiresAt: null }
  const issued = { ...of, ...token, name: REGISTRATION_TOKEN, ...scopes }
  // The account's first one, of which there is no bound.
  const mayAll = { mayGrant: ['read', 'write', 'admin'], tokensMax: Number.POSITIVE_INFINITY }
  const { position } = await issueToken(bus, issued, mayAll, context)
  return position
}
