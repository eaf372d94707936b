/** Two accounts with a policy, an agent, a token and a provider key each. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { rungate } from '../../../src/http/rungate/api.ts'
import { type Account, registered } from '../../http/rungate/accounts.ts'
import { approvalAsked, callMade } from '../../http/rungate/calls.ts'
import { askForLink, invite, newEmail, newMember, signIn, withCookie } from '../../http/rungate/people.ts'
import { bearer, keyOfElsewhere, mistyped, startHastyApi, UUID } from '../api.ts'
import type { Belongings } from '../ground.ts'
import { runOperationSuites } from '../operations.ts'

const api = await startHastyApi()
const acme = await registered(api)
const other = await registered(api)

async function furnish(account: Account): Promise<Belongings> {
  const { token, policyId, agentId, apiKey } = account
  const ended = await callMade(api, account)
  const isNew = { runId: null, isNew: true, name: null, metadata: null, known: null }
  const { runId } = await callMade(api, account, { facts: { run: isNew } })
  const approvalId = await approvalAsked(api, account, runId)
  const key = { provider: 'openai', name: 'main', api_key: 'sk-example-0123456789' }
  const { data } = (await api.govern('POST', '/api/provider-keys', { key: token, body: key })).body
  const agent = { name: 'writer', policy_id: policyId, provider_keys: { openai: data.id } }
  const made = await api.govern('POST', '/api/agents', { key: token, body: agent })
  const rule = { name: 'rule', condition_type: 'rate_limit_approaching', agent_id: agentId }
  const condition = { condition_config: { threshold_pct: 80 } }
  const ruled = await api.govern('POST', '/api/alert-rules', { key: token, body: { ...rule, ...condition } })
  const hook = { name: 'hook', url: 'https://hooks.example.com/rungate', events: ['run.completed'] }
  const hooked = await api.govern('POST', '/api/webhooks', { key: token, body: hook })
  const named = { key: token, body: { name: `for ${apiKey.slice(-4)}` } }
  const policy = await api.govern('POST', '/api/policies', named)
  // The agent whose key signs in is not among them: it would be given another key.
  const agents = [made.body.data.id]
  const ids = [data.id, ...agents, policy.body.data.id, runId, approvalId, ruled.body.data.id, hooked.body.data.id]
  return new Map([
    ['id', ids],
    ['policy_id', [policyId]],
    ['remap_to', [data.id]],
    ['run_id', [runId]],
    ['agent_id', [agentId]],
    ['/api/agents id', agents],
    ['/api/runs id', [runId, ended.runId]],
    ['/v1/runs id', [runId, ended.runId]],
    ['/api/approval-requests id', [approvalId, await approvalAsked(api, account, runId)]],
    ['/api/alert-rules id', [ruled.body.data.id]],
    ['/api/webhooks id', [hooked.body.data.id]],
  ])
}

/** The owner of the account, and what it has of people: members and invitations. */
async function ownerOf({ accountId, token }: Account): Promise<{ cookie: string; accountId: string }> {
  const { cookie } = await signIn(api, newEmail('owner'))
  const claim = { ...withCookie(cookie), body: { name: 'Ada', admin_token: token } }
  expect((await api.govern('POST', '/auth/complete-registration', claim)).status).toBe(200)
  return { cookie, accountId }
}
const [owner, stranger] = [await ownerOf(acme), await ownerOf(other)]
const invitations = [await invite(api, owner, newEmail()), await invite(api, owner, newEmail())]
const foreignInvitation = await invite(api, stranger, newEmail())
const links = [await askForLink(api, newEmail()), await askForLink(api, newEmail())]

async function withPeople(belongings: Belongings, of: typeof owner, invited: typeof invitations): Promise<Belongings> {
  const members = [await newMember(api, of, 'viewer'), await newMember(api, of, 'member')]
  const ids = [...members.map(({ memberId }) => memberId), ...invited.map(({ invitationId }) => invitationId)]
  return belongings.set('id', [...(belongings.get('id') ?? []), ...ids])
}
const own = await withPeople(await furnish(acme), owner, invitations)
// Whoever has a token may use it, so the stranger's are not among what it has.
own.set(
  'token',
  [...invitations, ...links].map(({ token }) => token),
)

runOperationSuites({
  api: rungate,
  clamps: new Set(['limit']),
  url: api.url,
  store: api.store,
  credentials: {
    DashboardAuth: {
      good: withCookie(owner.cookie).headers,
      wrong: bearer(mistyped(other.token)),
    },
    AgentApiKey: { good: bearer(acme.apiKey), wrong: bearer(mistyped(other.apiKey)) },
  },
  elsewhere: [keyOfElsewhere()],
  own,
  foreign: await withPeople(await furnish(other), stranger, [foreignInvitation]),
  refusalOf: ({ error }: { error?: { type: string } | string }) => ({
    code: typeof error === 'string' ? 'unauthorized' : error?.type,
  }),
  requestId: UUID,
  idOfNothing: () => randomUUID(),
  aliases: { id: 'id', token: 'token' },
  recordsRefusals: [],
  close: api.stop,
})
