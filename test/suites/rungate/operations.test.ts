/** Two accounts with a policy, an agent, a token and a provider key each. */
import { randomUUID } from 'node:crypto'
import { rungate } from '../../../src/http/rungate/api.ts'
import { type Account, addToken, registered } from '../../http/rungate/accounts.ts'
import { invite, newEmail, newMember, signIn, withCookie } from '../../http/rungate/people.ts'
import { bearer, mistyped, startHastyApi, UUID } from '../api.ts'
import type { Belongings } from '../ground.ts'
import { runOperationSuites } from '../operations.ts'

const api = await startHastyApi()
const acme = await registered(api)
const other = await registered(api)
const operator = await api.addOperator()
const spare = await addToken(api, acme, ['admin'])

async function furnish({ token, policyId, agentId, apiKey }: Account): Promise<Belongings> {
  const key = { provider: 'openai', name: 'main', api_key: 'sk-example-0123456789' }
  const { data } = (await api.govern('POST', '/api/provider-keys', { key: token, body: key })).body
  const agent = { name: 'writer', policy_id: policyId, provider_keys: { openai: data.id } }
  const made = await api.govern('POST', '/api/agents', { key: token, body: agent })
  const named = { key: token, body: { name: `for ${apiKey.slice(-4)}` } }
  const policy = await api.govern('POST', '/api/policies', named)
  const ids = [data.id, made.body.data.id, agentId, policy.body.data.id]
  return new Map([
    ['id', ids],
    ['policy_id', [policyId]],
    ['remap_to', [data.id]],
  ])
}

/** A member and an invitation of the tenant that asks. */
async function withPeople(belongings: Belongings, asks: Account): Promise<Belongings> {
  const { cookie } = await signIn(api, newEmail('owner'))
  const claim = { ...withCookie(cookie), body: { name: 'Ada', admin_token: asks.token } }
  await api.govern('POST', '/auth/complete-registration', claim)
  const owner = { cookie, accountId: asks.accountId }
  const members = await Promise.all([newMember(api, owner, 'viewer'), newMember(api, owner, 'member')])
  const invitations = [await invite(api, owner, newEmail()), await invite(api, owner, newEmail())]
  const ids = [...members.map(({ memberId }) => memberId), ...invitations.map(({ invitationId }) => invitationId)]
  belongings.set('id', [...(belongings.get('id') ?? []), ...ids])
  belongings.set(
    'token',
    invitations.map(({ token }) => token),
  )
  return belongings
}

runOperationSuites({
  api: rungate,
  url: api.url,
  store: api.store,
  credentials: {
    DashboardAuth: {
      good: bearer(spare.token),
      wrong: bearer(mistyped(other.token)),
    },
    AgentApiKey: { good: bearer(acme.apiKey), wrong: bearer(mistyped(other.apiKey)) },
  },
  elsewhere: [bearer(operator.key)],
  own: await withPeople(await furnish(acme), acme),
  foreign: await withPeople(await furnish(other), other),
  refusalOf: ({ error }: { error?: { type: string } | string }) => ({
    code: typeof error === 'string' ? 'unauthorized' : error?.type,
  }),
  requestId: UUID,
  idOfNothing: () => randomUUID(),
  aliases: { id: 'id', token: 'token' },
  recordsRefusals: [],
  close: api.stop,
})
