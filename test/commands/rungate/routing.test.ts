/** Where calls may go: chains, models of other providers, keys, and why something is passed over. */
import { describe, expect, it } from 'vitest'
import { createOwnerOf } from '../../../src/adapters/llm/model-owner.ts'
import { createPriceTable } from '../../../src/adapters/llm/price-table.ts'
import {
  createCandidatesOf,
  type RoutingFacts,
  type RoutingKey,
  routesOf,
} from '../../../src/commands/rungate/routing.ts'
import { defaultSettings, type PolicySettings } from '../../../src/events/rungate/policy-settings.ts'
import { createTargetOrder } from '../../../src/http/rungate/proxy/target-order.ts'
import { callFacts } from '../../support/desk.ts'

const key = (key_id: string, provider: string, more: Partial<RoutingKey> = {}): RoutingKey => ({
  ...{ key_id, provider, base_url: null, status: 'active', ...more },
})
const keys = [
  key('o1', 'openai'),
  key('o2', 'openai', { base_url: 'https://llm.example.com/v1' }),
  key('a1', 'anthropic'),
  key('g1', 'groq', { status: 'disabled', base_url: 'https://groq.example.com/v1' }),
]
const directory = {
  providerKey: (_: string, id: string) => keys.find(({ key_id }) => key_id === id),
  providerKeysOf: () => keys,
}
const facts = (more: Partial<RoutingFacts> = {}): RoutingFacts => ({
  ...{ accountId: 'acme', format: 'openai', model: 'gpt-5', owner: 'openai' },
  profile: { providerKeys: {}, routingOverride: null },
  ...more,
})
type Routing = Partial<PolicySettings['routing']>
const settings = (routing: Routing = {}, more: Partial<PolicySettings> = {}): PolicySettings => ({
  ...{ ...defaultSettings, ...more },
  routing: { ...defaultSettings.routing, ...routing },
})
const providersOf = (...given: Parameters<typeof routesOf>) => routesOf(...given).routes.map(({ provider }) => provider)

describe('the chain of a call', () => {
  const mapping = { modelMapping: { 'gpt-5': { anthropic: 'claude-haiku-4-5' } } }

  it('is the agent’s before the policy’s, and a route for the model before the rest', () => {
    const routes = [{ pattern: 'gpt-*', chain: ['anthropic'], timeoutMs: 5_000 }]
    const policy = settings({ defaultChain: ['openai', 'anthropic'], modelRoutes: routes }, mapping)
    expect(providersOf(policy, facts(), directory)).toStrictEqual(['anthropic'])
    expect(routesOf(policy, facts(), directory).timeoutMs).toBe(5_000)
    const own = facts({ profile: { providerKeys: {}, routingOverride: { defaultChain: ['openai'], timeoutMs: 9 } } })
    expect(providersOf(policy, own, directory)).toStrictEqual(['openai'])
    expect(routesOf(policy, own, directory).timeoutMs).toBe(9)
    expect(
      providersOf(settings({ defaultChain: ['openai', 'anthropic', 'openai'] }, mapping), facts(), directory),
    ).toStrictEqual(['openai', 'anthropic'])
  })

  it('is the provider that the model belongs to, or that of the endpoint', () => {
    expect(providersOf(settings(), facts(), directory)).toStrictEqual(['openai'])
    expect(providersOf(settings(), facts({ model: 'claude-x', owner: 'anthropic' }), directory)).toStrictEqual([
      'anthropic',
    ])
    expect(providersOf(settings(), facts({ model: 'llama', owner: undefined }), directory)).toStrictEqual(['openai'])
  })

  it('names a provider’s own model, and passes over one that has none', () => {
    const policy = settings({ defaultChain: ['openai', 'anthropic'] }, mapping)
    expect(routesOf(policy, facts(), directory).routes).toMatchObject([
      { provider: 'openai', format: 'openai', model: 'gpt-5' },
      { provider: 'anthropic', format: 'anthropic', model: 'claude-haiku-4-5' },
    ])
    const { skipped } = routesOf(settings({ defaultChain: ['openai', 'anthropic'] }), facts(), directory)
    expect(skipped).toStrictEqual([{ provider: 'anthropic', reason: expect.stringContaining('model_mapping') }])
  })

  it('has the keys that the agent names, or all of the account, but none that is disabled', () => {
    const [all] = routesOf(settings(), facts(), directory).routes
    expect(all?.keys.map(({ keyId, baseUrl }) => [keyId, baseUrl])).toStrictEqual([
      ['o1', 'https://api.openai.com/v1'],
      ['o2', 'https://llm.example.com/v1'],
    ])
    const naming = (providerKeys: RoutingFacts['profile']['providerKeys']) =>
      routesOf(
        settings({ defaultChain: ['openai'] }),
        facts({ profile: { providerKeys, routingOverride: null } }),
        directory,
      )
    expect(naming({ openai: 'o2' }).routes[0]?.keys).toMatchObject([{ keyId: 'o2' }])
    expect(naming({ anthropic: 'a1' }).skipped).toMatchObject([{ reason: 'the agent names no key of openai' }])
    const disabled = settings({ defaultChain: ['groq'] }, { modelMapping: { 'gpt-5': { groq: 'x' } } })
    expect(routesOf(disabled, facts(), directory).skipped).toMatchObject([{ reason: 'every key of groq is disabled' }])
  })
})

it('the desk is told what a call may reach, with prices, and how long it may take', () => {
  const candidatesOf = createCandidatesOf({
    directory: { ...directory, profileOf: () => ({ providerKeys: {}, routingOverride: null }) },
    ...{ priceOf: createPriceTable().find, ownerOf: createOwnerOf() },
  })
  const policy = settings({ timeoutMs: 1_000, connectTimeoutMs: 500, maxRetries: 2 })
  const found = candidatesOf(policy, callFacts('call'), 'gpt-5', new Date())
  expect(found).toMatchObject({ reachable: [{ provider: 'openai', model: 'gpt-5' }], owner: 'openai', skipped: [] })
  expect(found.reachable[0]?.priced).not.toBeNull()
  expect(found.longestMs).toBe((1_000 + 500 + 5_000) * 2)
})

describe('the order of targets', () => {
  const prices = createPriceTable()
  const route = (provider: string, model: string, ids: string[], weights: number[] = []) => ({
    ...{ provider, format: 'openai' as const, model, priced: prices.find(provider, model, new Date()) ?? null },
    keys: ids.map((keyId, at) => ({ keyId, baseUrl: 'https://x', weight: weights[at] ?? 1 })),
  })
  const asked = { agentId: 'a', runId: 'r', inputTokens: 100, outputTokens: 100 }
  const firsts = (order: ReturnType<typeof createTargetOrder>, given: Parameters<typeof order.of>[0], times: number) =>
    Array.from({ length: times }, () => order.of(given)[0]!.keyId).join('')

  it('takes keys in turn, and by weight without bursts', () => {
    const routes = [route('openai', 'gpt-5', ['x', 'y', 'z'], [5, 1, 1])]
    const common = { ...asked, routes, routingPreference: 'default' as const }
    expect(firsts(createTargetOrder(), { ...common, loadBalancing: 'failover' }, 4)).toBe('xxxx')
    expect(firsts(createTargetOrder(), { ...common, loadBalancing: 'round_robin' }, 4)).toBe('xyzx')
    expect(firsts(createTargetOrder(), { ...common, loadBalancing: 'weighted' }, 7)).toBe('xxyxzxx')
  })

  it('goes by price or by latency where the policy says so, and stays with what served after a failover', () => {
    const order = createTargetOrder()
    const routes = [route('openai', 'gpt-5', ['big']), route('openai', 'gpt-5-nano', ['small'])]
    const common = { ...asked, routes, loadBalancing: 'failover' as const }
    expect(firsts(order, { ...common, routingPreference: 'cost' }, 1)).toBe('small')
    const [big, small] = order.of({ ...common, routingPreference: 'default' })
    order.served('other run', big!, false, 900)
    order.served('other run', small!, false, 100)
    expect(firsts(order, { ...common, routingPreference: 'latency' }, 1)).toBe('small')
    order.served('r', small!, true, 100)
    expect(firsts(order, { ...common, routingPreference: 'default' }, 1)).toBe('small')
    order.failed('r', small!)
    expect(firsts(order, { ...common, routingPreference: 'default' }, 1)).toBe('big')
  })
})
