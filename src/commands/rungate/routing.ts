/**
 * Where a call may go: the chain of providers that its agent and policy name, the model that each of them is asked for, and the
 * keys that may be used there. Pure: what is weighed anew with each call (order of keys, circuits, latency) is decided later.
 */
import type { PricedModel } from '../../adapters/llm/price-table.ts'
import type { AgentProfile } from '../../events/rungate/agent.ts'
import type { PolicySettings } from '../../events/rungate/policy-settings.ts'
import type { Candidate, CandidateKey, CandidatesOf } from './desk/interface.ts'
import { matcherOf } from './globs.ts'

export type Format = Candidate['format']

/** A provider key, as far as routing goes by it. */
export interface RoutingKey {
  key_id: string
  provider: string
  base_url: string | null
  status: 'active' | 'disabled' | 'deleted'
}

/** What routing asks of the directory in memory. */
export interface KeyDirectory {
  providerKey(accountId: string, keyId: string): RoutingKey | undefined
  /** Those of the account that are not deleted, the oldest first. */
  providerKeysOf(accountId: string): readonly RoutingKey[]
}

export interface RoutingDirectory extends KeyDirectory {
  /** Undefined: there is no such agent any more. */
  profileOf(accountId: string, agentId: string): RoutingFacts['profile'] | undefined
}

export interface RoutingFacts {
  accountId: string
  /** Of the endpoint that was called. */
  format: Format
  /** The model that is to serve: asked for, set by default, or overridden. */
  model: string
  /** Whose model it is by its name; undefined: nobody knows. */
  owner: string | undefined
  profile: Pick<AgentProfile, 'providerKeys' | 'routingOverride'>
}

/** A provider that may serve. */
export type Route = Omit<Candidate, 'priced'>

export interface Skipped {
  provider: string
  reason: string
}

export interface Routes {
  /** In the order of the chain. */
  routes: Route[]
  skipped: Skipped[]
  /** From connecting on, for one attempt. */
  timeoutMs: number
  /** Whose model it is, or the endpoint's provider. */
  owner: string
}

/** Base URLs of providers that have one, as their own libraries take them. */
const BASE_URLS: Readonly<Record<string, string>> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com',
}
/** Where calls with the key go; undefined: nowhere. */
export const baseUrlOf = ({ provider, base_url }: Pick<RoutingKey, 'provider' | 'base_url'>): string | undefined =>
  base_url ?? BASE_URLS[provider]

const WEIGHT_DEFAULT = 1

export const formatOf = (provider: string): Format =>
  provider === 'anthropic' || provider.startsWith('anthropic-') ? 'anthropic' : 'openai'

/** Every provider that the call may reach, with its keys; and those of the chain that it may not, each with the reason. */
export function routesOf(settings: PolicySettings, facts: RoutingFacts, directory: KeyDirectory): Routes {
  const { profile, accountId, model } = facts
  const { chain, timeoutMs } = chainOf(settings, facts, directory)
  const own = facts.owner !== undefined && chain.includes(facts.owner) ? facts.owner : ownOf(facts, chain)
  const routes: Route[] = []
  const skipped: Skipped[] = []
  for (const provider of chain) {
    const mapped = mappingOf(settings, model)?.[provider] ?? (provider === own ? model : undefined)
    if (mapped === undefined) {
      skipped.push({ provider, reason: `model_mapping names no model of ${provider} for ${model}` })
      continue
    }
    const found = keysOf(profile, provider, accountId, directory)
    if (typeof found === 'string') skipped.push({ provider, reason: found })
    else routes.push({ provider, format: formatOf(provider), model: mapped, keys: found })
  }
  const limit = profile.routingOverride?.timeoutMs ?? timeoutMs
  return { routes, skipped, timeoutMs: limit, owner: facts.owner ?? facts.format }
}

/** Attempts that a call may make, of all providers together: one at least. */
export const attemptsMax = ({ routing }: PolicySettings): number => Math.max(1, routing.maxRetries)

/** The longest that a call waits before it tries again. */
export const BACKOFF_MAX_MS = 5_000

interface Known {
  directory: RoutingDirectory
  /** The price that holds at a time; undefined: nobody has named one. */
  priceOf(provider: string, model: string, at: Date): PricedModel | undefined
  /** The provider that a model's name belongs to. */
  ownerOf(model: string): string | undefined
}

const nothing: RoutingFacts['profile'] = { providerKeys: {}, routingOverride: null }

/** What a call may reach, as the desk bounds it. */
export const createCandidatesOf =
  ({ directory, priceOf, ownerOf }: Known): CandidatesOf =>
  (settings, { agent: { accountId, agentId }, format }, model, at) => {
    const profile = directory.profileOf(accountId, agentId) ?? nothing
    const facts = { accountId, format, model, owner: ownerOf(model), profile }
    const { routes, skipped, timeoutMs, owner } = routesOf(settings, facts, directory)
    const reachable = routes.map((route): Candidate => {
      return { ...route, priced: priceOf(route.provider, route.model, at) ?? null }
    })
    const { connectTimeoutMs } = settings.routing
    const longestMs = (connectTimeoutMs + timeoutMs + BACKOFF_MAX_MS) * attemptsMax(settings)
    return { reachable, skipped, owner, timeoutMs, longestMs }
  }

const mappingOf = ({ modelMapping }: PolicySettings, model: string) =>
  Object.hasOwn(modelMapping, model) ? modelMapping[model] : undefined

/** A model that belongs to nobody by its name is the first provider's. */
const ownOf = ({ owner }: RoutingFacts, chain: readonly string[]): string | undefined => owner ?? chain[0]

/** The agent's own routes and chain come before the policy's; without any, the provider that has the model. */
function chainOf(
  { routing }: PolicySettings,
  { profile: { routingOverride }, model, owner, format, accountId }: RoutingFacts,
  directory: KeyDirectory,
): { chain: readonly string[]; timeoutMs: number } {
  const { timeoutMs } = routing
  const own = routeFor(routingOverride?.modelRoutes ?? [], model)
  if (own) return { chain: unique(own.chain), timeoutMs: own.timeoutMs ?? timeoutMs }
  // A route's time limit holds for its models whatever chain serves them.
  const route = routeFor(routing.modelRoutes, model)
  const limit = route?.timeoutMs ?? timeoutMs
  if (routingOverride?.defaultChain?.length) return { chain: unique(routingOverride.defaultChain), timeoutMs: limit }
  if (route) return { chain: unique(route.chain), timeoutMs: limit }
  if (routing.defaultChain.length > 0) return { chain: unique(routing.defaultChain), timeoutMs }
  const hasKey = directory.providerKeysOf(accountId).some(({ provider }) => provider === owner)
  return { chain: [owner !== undefined && hasKey ? owner : format], timeoutMs }
}

/** A provider that is named twice is tried once. */
const unique = (chain: readonly string[]): string[] => [...new Set(chain)]

type ModelRoute = PolicySettings['routing']['modelRoutes'][number]

const routeFor = (routes: readonly ModelRoute[], model: string): ModelRoute | undefined =>
  routes.find((route) => route.chain.length > 0 && matcherOf(patternsOf(route))(model) !== undefined)

const patterns = new WeakMap<ModelRoute, readonly string[]>()

/** The route's pattern as a list that stays the same, so that its matcher is made once. */
function patternsOf(route: ModelRoute): readonly string[] {
  const known = patterns.get(route) ?? [route.pattern]
  patterns.set(route, known)
  return known
}

/** The keys that may be used, at least one; else why there is none. */
function keysOf(
  { providerKeys }: RoutingFacts['profile'],
  provider: string,
  accountId: string,
  directory: KeyDirectory,
): CandidateKey[] | string {
  const candidate = (key: RoutingKey, weight: number): CandidateKey | undefined => {
    const baseUrl = baseUrlOf(key)
    return key.status === 'active' && baseUrl !== undefined ? { keyId: key.key_id, baseUrl, weight } : undefined
  }
  if (Object.keys(providerKeys).length === 0) {
    const all = directory.providerKeysOf(accountId).filter((key) => key.provider === provider)
    const usable = all.flatMap((key) => candidate(key, WEIGHT_DEFAULT) ?? [])
    if (usable.length > 0) return usable
    return all.length === 0 ? `the account has no key of ${provider}` : `every key of ${provider} is disabled`
  }
  const choice = Object.hasOwn(providerKeys, provider) ? providerKeys[provider] : undefined
  if (choice === undefined) return `the agent names no key of ${provider}`
  const named = typeof choice === 'string' ? [{ keyId: choice, weight: WEIGHT_DEFAULT }] : choice
  const usable = named.flatMap(({ keyId, weight }) => {
    const key = directory.providerKey(accountId, keyId)
    return key ? (candidate(key, weight) ?? []) : []
  })
  return usable.length > 0 ? usable : `every key of ${provider} that the agent names is disabled or deleted`
}
