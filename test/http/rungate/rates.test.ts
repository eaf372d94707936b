/** How much one account asks for within a minute, and how many admin tokens it has, as the installation sets it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { type Api, startApi } from '../api.ts'
import { addToken, registered } from './accounts.ts'
import { callerOf, GPT, user } from './calling.ts'

const [CALLS_MAX, NEW_TOKENS_MAX, TOKENS_MAX] = [4, 6, 3]

let simulator: LlmSimulator
let api: Api
beforeAll(async () => {
  simulator = await startLlmSimulator()
  const rungate = {
    PROXY_CALLS_PER_MINUTE_MAX: String(CALLS_MAX),
    RUNGATE_NEW_TOKENS_PER_MINUTE_MAX: String(NEW_TOKENS_MAX),
    RUNGATE_ADMIN_TOKENS_MAX: String(TOKENS_MAX),
  }
  api = await startApi({ allowLoopbackProviders: true, rungate })
})
afterAll(async () => {
  await api.stop()
  await simulator.close()
})

it('calls of models are counted for their account, each with its answer’s headers, and refused beyond their limit', async () => {
  const [caller, other] = [await callerOf(api, simulator), await callerOf(api, simulator)]
  const agents = [await caller.agent(), await caller.agent()]
  const call = (key: string) =>
    api.govern('POST', '/v1/chat/completions', { key, body: { model: GPT, messages: user('hi') } })
  for (let n = 0; n < CALLS_MAX; n++) {
    const { status, headers } = await call(agents[n % 2]?.apiKey ?? '')
    const limit = ['limit', 'remaining'].map((name) => headers.get(`ratelimit-${name}`))
    expect([status, ...limit]).toStrictEqual([200, String(CALLS_MAX), String(CALLS_MAX - 1 - n)])
  }
  const made = simulator.log().length
  const refused = await call(agents[0]?.apiKey ?? '')
  expect([refused.status, refused.body.error.type]).toStrictEqual([429, 'rate_limited'])
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(simulator.log()).toHaveLength(made)
  // What else the account asks is counted by itself, and so are others.
  expect((await api.govern('GET', '/api/account', { key: caller.token })).status).toBe(200)
  expect((await call((await other.agent()).apiKey)).status).toBe(200)
})

it('an account has so many admin tokens, and makes so many in a minute', async () => {
  const acme = await registered(api)
  const made = [await addToken(api, acme, ['read']), await addToken(api, acme, ['read'])]
  const again = (name: string) =>
    api.govern('POST', '/api/admin-tokens', { key: acme.token, body: { name, scopes: ['read'] } })
  const full = await again('one too many')
  expect([full.status, full.body.error.type]).toStrictEqual([409, 'conflict'])
  await api.govern('POST', `/api/admin-tokens/${made[0]?.tokenId}/revoke`, { key: acme.token })
  // Its name was given back with the refusal.
  expect((await again('one too many')).status).toBe(201)
  for (let n = 4; n < NEW_TOKENS_MAX; n++) expect((await again('still full')).status).toBe(409)
  const refused = await again('too often')
  expect([refused.status, refused.body.error.type]).toStrictEqual([429, 'rate_limited'])
  expect((await api.govern('GET', '/api/admin-tokens', { key: acme.token })).body.total).toBe(4)
})
