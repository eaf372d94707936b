/** What a process that ends between two streams leaves behind, and how it is finished: through a whole instance. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandBus, CommandContext } from '../../../src/commands/handle.ts'
import { adminToken } from '../../../src/commands/rungate/admin-token.ts'
import { changePolicy, deleteProviderKey } from '../../../src/commands/rungate/changing.ts'
import { createPolicy } from '../../../src/commands/rungate/creating.ts'
import { generateKey } from '../../../src/commands/rungate/keys.ts'
import { name, nameIdOf } from '../../../src/commands/rungate/name.ts'
import { register } from '../../../src/commands/rungate/registering.ts'
import { tokenPlaces } from '../../../src/commands/rungate/token-places.ts'
import { finishToken, issueToken, revokeToken } from '../../../src/commands/rungate/tokens.ts'
import { createWebhook, deleteWebhook, finishWebhook, webhookPlaces } from '../../../src/commands/rungate/webhooks.ts'
import { defaultSettings } from '../../../src/events/rungate/policy-settings.ts'
import type { Author } from '../../../src/events/rungate/vocabulary.ts'
import { eventually } from '../../projections/support.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { cutAfter } from './cut-bus.ts'

let stack: Stack
beforeAll(async () => {
  // A token that does not work yet is asked about again and again.
  const environment = { RUNGATE_COMPLETION_GRACE_MS: '1', AUTH_FAILURES_PER_MINUTE_MAX: '100000' }
  stack = await startStack({ environment })
})
afterAll(() => stack.close())

async function get(token: string, path: string) {
  const response = await fetch(`${stack.url}/rungate${path}`, { headers: { authorization: `Bearer ${token}` } })
  return { status: response.status, body: (await response.json()) as { data: Record<string, unknown>; total?: number } }
}

async function registered(bus: CommandBus, context: CommandContext = stack.adminContext()) {
  const [token, key] = [generateKey('adm'), generateKey('sk')]
  const ids = { accountId: randomUUID(), policyId: randomUUID(), agentId: randomUUID(), tokenId: randomUUID() }
  const wanted = {
    // Its own, so that no step is spent on one that is taken.
    ...{ accountId: ids.accountId, slug: `cut-${ids.accountId.slice(0, 8)}`, agentName: undefined },
    registration: {
      ...{ name: 'Acme', policyId: ids.policyId },
      agent: { agentId: ids.agentId, name: '', ...key.facts },
      token: { tokenId: ids.tokenId, ...token.facts },
    },
  }
  const done = await register(bus, wanted, context).then(
    () => true,
    () => false,
  )
  return { ...ids, token: token.secret, apiKey: key.secret, done }
}

const STEPS = 10

describe('a registration', () => {
  it.each(Array.from({ length: STEPS - 1 }, (_, index) => index + 1))(
    'that ends after %i of its steps is finished, and makes one account',
    async (steps) => {
      const account = await registered(cutAfter(stack.bus, steps))
      expect(account.done).toBe(false)
      await eventually(async () => expect((await get(account.token, '/api/account')).status).toBe(200))
      const agents = await get(account.token, '/api/agents')
      expect(agents.body).toMatchObject({ data: [{ id: account.agentId, policy_id: account.policyId }], total: 1 })
      const policies = await get(account.token, '/api/policies')
      expect(policies.body).toMatchObject({ data: [{ id: account.policyId, name: 'default' }], total: 1 })
      await eventually(async () => expect((await get(account.apiKey, '/v1/me')).status).toBe(200))
    },
  )

  it('that ends before its first step never was', async () => {
    const account = await registered(cutAfter(stack.bus, 0))
    expect((await get(account.token, '/api/account')).status).toBe(401)
    expect((await registered(stack.bus)).done).toBe(true)
    expect((await registered(cutAfter(stack.bus, STEPS))).done).toBe(true)
  })
})

describe('a name', () => {
  const system = { id: 'system', tokenId: null }
  const factsOf = (accountId: string, of: string) => ({
    ...{ accountId, policyId: randomUUID(), name: of, settings: defaultSettings, version: 1, memberId: null },
    ...{ author: system, occurredAt: stack.adminContext().at },
  })

  it('that was claimed for a policy brings the policy with it', async () => {
    const { accountId, token } = await registered(stack.bus)
    const facts = factsOf(accountId, 'careful')
    await expect(createPolicy(cutAfter(stack.bus, 1), facts, stack.adminContext())).rejects.toThrow('cut')
    await eventually(async () => {
      const { status, body } = await get(token, `/api/policies/${facts.policyId}`)
      expect([status, body.data?.name]).toStrictEqual([200, 'careful'])
    })
  })

  it('that a policy was to have and does not is free again, and the former one stays taken', async () => {
    const { accountId, policyId } = await registered(stack.bus)
    const asker = { accountId, memberId: null, author: system }
    const change = { name: 'renamed', settings: {} }
    const context = stack.adminContext()
    await expect(changePolicy(cutAfter(stack.bus, 1), policyId, change, asker, context)).rejects.toThrow('cut')
    const stateOf = (of: string) => stack.bus.current(name, nameIdOf(accountId, 'policy', of))
    await eventually(async () => expect(await stateOf('renamed')).toStrictEqual({ status: 'free' }))
    expect(await stateOf('default')).toMatchObject({ status: 'taken', ownerId: policyId })
  })
})

describe('an admin token', () => {
  const system = { id: 'system', tokenId: null }
  const wanted = (accountId: string, author: Author) => {
    const { secret, facts } = generateKey('adm')
    const of = { accountId, tokenId: randomUUID(), author, occurredAt: stack.adminContext().at }
    const issued = { ...of, ...facts, name: secret.slice(0, 40), scopes: ['admin' as const], description: null }
    return { secret, facts: { ...issued, expiresAt: null } }
  }
  const all = { mayGrant: ['read', 'write', 'admin'], tokensMax: 10 }
  const stateOf = async (tokenId: string) => (await stack.bus.current(adminToken, tokenId)).status
  const placesOf = async (accountId: string) => [...(await stack.bus.current(tokenPlaces, accountId)).keys()]

  it.each([1, 2])('whose making ends after %i of its steps is made', async (steps) => {
    const { accountId } = await registered(stack.bus)
    const { facts } = wanted(accountId, system)
    await expect(issueToken(cutAfter(stack.bus, steps), facts, all, stack.adminContext())).rejects.toThrow('cut')
    await eventually(async () => expect(await stateOf(facts.tokenId)).toBe('active'))
    expect(await placesOf(accountId)).toContain(facts.tokenId)
  })

  it.each([1, 2, 3])('whose revocation ends after %i of its steps takes along what was made with it', async (steps) => {
    const { accountId } = await registered(stack.bus)
    const leaked = wanted(accountId, system)
    await issueToken(stack.bus, leaked.facts, all, stack.adminContext())
    const { tokenId } = leaked.facts
    const made = wanted(accountId, { id: tokenId, tokenId })
    await issueToken(stack.bus, made.facts, all, stack.adminContext())
    const asker = { accountId, author: system }
    const revoking = revokeToken(cutAfter(stack.bus, steps), tokenId, asker, stack.adminContext())
    // The process beside it may have been first with the last step, which leaves none to be cut.
    expect(await revoking.then(({ taken }) => taken, String)).toSatisfy(
      (end) => String(end) === 'Error: cut' || String(end) === '',
    )
    await eventually(async () => expect(await stateOf(made.facts.tokenId)).toBe('revoked'))
    await eventually(async () => expect(await placesOf(accountId)).toHaveLength(1))
    const nameIs = (of: string) => stack.bus.current(name, nameIdOf(accountId, 'adminToken', of))
    await eventually(async () => {
      for (const { facts } of [leaked, made]) expect(await nameIs(facts.name)).toStrictEqual({ status: 'free' })
    })
  })

  it('that is made with one that was revoked meanwhile ends at once', async () => {
    const { accountId } = await registered(stack.bus)
    const leaked = wanted(accountId, system)
    await issueToken(stack.bus, leaked.facts, all, stack.adminContext())
    const { tokenId } = leaked.facts
    await revokeToken(stack.bus, tokenId, { accountId, author: system }, stack.adminContext())
    const made = wanted(accountId, { id: tokenId, tokenId })
    await expect(issueToken(stack.bus, made.facts, all, stack.adminContext())).rejects.toMatchObject({
      code: 'token_beyond_own',
    })
    expect(await stateOf(made.facts.tokenId)).toBe('revoked')
    await eventually(async () => expect(await placesOf(accountId)).toHaveLength(1))
    // And so does one whose process ends before it has looked.
    const another = wanted(accountId, { id: tokenId, tokenId })
    await expect(issueToken(cutAfter(stack.bus, 3), another.facts, all, stack.adminContext())).rejects.toThrow('cut')
    await eventually(async () => expect(await stateOf(another.facts.tokenId)).toBe('revoked'))
  })
})

/** The process beside finishes the same, and may have its place for a moment. */
describe('whoever finishes what has come to its end meanwhile', () => {
  const author = { id: 'system', tokenId: null }
  /** Of one that looked before there was anything. */
  const lookedEarlier = (bus: CommandBus): CommandBus => ({ ...bus, current: async ({ initialState }) => initialState })

  it('gives a revoked admin token no place of the account', async () => {
    const { accountId, tokenId: first } = await registered(stack.bus)
    const { facts: key } = generateKey('adm')
    const of = { accountId, tokenId: randomUUID(), author, occurredAt: stack.adminContext().at, expiresAt: null }
    const facts = { ...of, ...key, name: 'deploy', scopes: ['admin' as const], description: null }
    await issueToken(stack.bus, facts, { mayGrant: ['read', 'write', 'admin'], tokensMax: 10 }, stack.adminContext())
    await revokeToken(stack.bus, facts.tokenId, { accountId, author }, stack.adminContext())
    const late = finishToken(lookedEarlier(stack.bus), facts, 10, stack.adminContext())
    await expect(late).rejects.toMatchObject({ code: 'admin_token_not_found' })
    const places = async () => [...(await stack.bus.current(tokenPlaces, accountId)).keys()]
    await eventually(async () => expect(await places()).toStrictEqual([first]))
  })

  it('gives a deleted webhook no place of the account', async () => {
    const { accountId } = await registered(stack.bus)
    const of = { accountId, webhookId: randomUUID(), memberId: null, author, occurredAt: stack.adminContext().at }
    const hook = { name: 'told', url: 'https://hooks.example.com/', description: null, events: [], agentId: null }
    const secret = { secretId: randomUUID(), sealed: 'key.sealed', masked: '…aled' }
    const facts = { ...of, ...secret, webhook: { ...hook, scope: 'org' as const } }
    await createWebhook(stack.bus, facts, 1, stack.adminContext())
    await deleteWebhook(stack.bus, of.webhookId, { accountId, memberId: null, author }, stack.adminContext())
    await finishWebhook(stack.bus, facts, 1, stack.adminContext())
    const places = () => stack.bus.current(webhookPlaces, accountId)
    await eventually(async () => expect(await places()).toStrictEqual({ endpointIds: [] }))
  })
})

describe('the deletion of a provider key', () => {
  it('that ends after its event has its secret destroyed and its agents changed', async () => {
    const { accountId, policyId, token } = await registered(stack.bus)
    // Registered beside the API, which comes to know the token by the log.
    await eventually(async () => expect((await get(token, '/api/account')).status).toBe(200))
    const post = async (path: string, body: object) => {
      const response = await fetch(`${stack.url}/rungate${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(response.status).toBe(201)
      return ((await response.json()) as { data: { id: string } }).data.id
    }
    const newKey = (of: string) =>
      post('/api/provider-keys', { provider: 'openai', name: of, api_key: 'sk-example-0123456789' })
    const [from, to] = [await newKey('one'), await newKey('two')]
    const agentId = await post('/api/agents', { name: 'writer', policy_id: policyId, provider_keys: { openai: from } })
    const asker = { accountId, memberId: null, author: { id: 'system', tokenId: null } }
    const context = stack.adminContext()
    await expect(deleteProviderKey(cutAfter(stack.bus, 1), from, to, asker, context)).rejects.toThrow('cut')
    await eventually(async () => {
      const { body } = await get(token, `/api/agents/${agentId}`)
      expect(body.data.provider_keys).toStrictEqual({ openai: to })
    })
  })
})
