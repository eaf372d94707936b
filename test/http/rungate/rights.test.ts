/** Who may what: every action by everybody who can ask, each of them a test. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DASHBOARD } from '../../../src/http/rungate/errors.ts'
import { operations } from '../../../src/http/rungate/operations.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, type Asked, startApi } from '../api.ts'
import { addToken } from './accounts.ts'
import { approvalAsked, callMade } from './calls.ts'
import { ASKERS, type Asker, type Crew, invite, newCrew, newEmail, newMember, signIn } from './people.ts'

let api: Api
let crew: Crew
beforeAll(async () => {
  api = await startApi()
  crew = await newCrew(api)
})
afterAll(() => api.stop())

/** The item of an action, made for it alone by the account's token, which is nobody's. */
async function made(path: string, body: object, as: Pick<Asked, 'key' | 'headers'> = { key: crew.owner.token }) {
  const answer = await api.govern('POST', path, { ...as, body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body.data.id as string
}
const name = () => `x ${randomUUID().slice(0, 8)}`
const policy = (as?: Pick<Asked, 'key' | 'headers'>) => made('/api/policies', { name: name() }, as)
const agent = (as?: Pick<Asked, 'key' | 'headers'>) =>
  made('/api/agents', { name: name(), policy_id: crew.owner.policyId }, as)
const providerKey = (as?: Pick<Asked, 'key' | 'headers'>) =>
  made('/api/provider-keys', { provider: 'openai', name: name(), api_key: 'sk-example-0123456789' }, as)
const webhook = (as?: Pick<Asked, 'key' | 'headers'>) => made('/api/webhooks', webhookInput(), as)
const webhookInput = (more: object = {}) => ({
  ...{ name: name(), url: 'https://hooks.example.com/rungate', events: ['run.completed'], ...more },
})
const alertRule = (as?: Pick<Asked, 'key' | 'headers'>) => made('/api/alert-rules', ruleInput(), as)
const ruleInput = (more: object = {}) => ({
  ...{ name: name(), condition_type: 'cost_threshold', condition_config: { threshold_usd: 1, window_minutes: 5 } },
  ...more,
})
/** A run that goes on. */
async function run(): Promise<string> {
  const isNew = { runId: null, isNew: true, name: null, metadata: null, known: null }
  const { runId } = await callMade(api, crew.owner, { facts: { run: isNew } })
  await api.desks.quiet(crew.owner.agentId, 1_000)
  await eventually(async () => expect((await api.govern('GET', `/api/runs/${runId}`, crew.as.owner)).status).toBe(200))
  return runId
}
async function stopped(): Promise<string> {
  const runId = await run()
  expect((await api.govern('POST', `/api/runs/${runId}/stop`, crew.as.owner)).status).toBe(200)
  return runId
}
/** By those who may not write, what another has made is asked for. */
const byOwn = (as: Pick<Asked, 'key' | 'headers'>, make: (as?: Pick<Asked, 'key' | 'headers'>) => Promise<string>) =>
  as === crew.as.viewer || as === crew.as['read token'] ? make() : make(as)
const invitation = async () => (await invite(api, crew.owner, newEmail())).invitationId

type Ask = [method: string, path: string, body?: object]
interface Action {
  does: string
  /** By those who ask, in the order of ASKERS: y done, n 403, b 400, - 404. */
  cells: string
  ask: (as: Pick<Asked, 'key' | 'headers'>) => Ask | Promise<Ask>
}

const STATUS: Readonly<Record<string, number>> = { n: 403, b: 400, '-': 404 }
/** owner, admin, member, viewer; tokens: admin, write, read. */
const WRITERS = 'yyyn yyn'
const KEEPERS = 'yynn yyn'
const ADMINS = 'yynn ynn'

const actions: readonly Action[] = [
  { does: 'makes a policy', cells: WRITERS, ask: () => ['POST', '/api/policies', { name: name() }] },
  {
    does: 'makes a policy for everybody',
    cells: KEEPERS,
    ask: () => ['POST', '/api/policies', { name: name(), visibility: 'org' }],
  },
  {
    does: 'makes a personal policy',
    cells: 'yyyn bbn',
    ask: () => ['POST', '/api/policies', { name: name(), visibility: 'personal' }],
  },
  {
    does: 'changes a policy of everybody’s',
    cells: KEEPERS,
    ask: async () => ['PUT', `/api/policies/${await policy()}`, { name: name(), dry_run: true }],
  },
  {
    does: 'makes or changes a policy by its name',
    cells: WRITERS,
    ask: () => ['PUT', `/api/policies/by-name/${encodeURIComponent(name())}`, {}],
  },
  {
    does: 'deletes a policy of everybody’s',
    cells: KEEPERS,
    ask: async () => ['DELETE', `/api/policies/${await policy()}`],
  },
  {
    does: 'makes an agent',
    cells: WRITERS,
    ask: () => ['POST', '/api/agents', { name: name(), policy_id: crew.owner.policyId }],
  },
  {
    does: 'replaces parts of an agent that is nobody’s',
    cells: KEEPERS,
    ask: async () => ['PUT', `/api/agents/${await agent()}`, { description: 'changed' }],
  },
  {
    does: 'changes an agent that is nobody’s',
    cells: KEEPERS,
    ask: async () => ['PATCH', `/api/agents/${await agent()}`, { description: 'changed' }],
  },
  {
    does: 'replaces the key of an agent that is nobody’s',
    cells: KEEPERS,
    ask: async () => ['POST', `/api/agents/${await agent()}/rotate-key`],
  },
  {
    does: 'gives an agent to a member',
    cells: ADMINS,
    ask: async () => ['PATCH', `/api/agents/${await agent()}`, { member_id: crew.people.viewer.memberId }],
  },
  {
    does: 'adds a provider key',
    cells: WRITERS,
    ask: () => ['POST', '/api/provider-keys', { provider: 'openai', name: name(), api_key: 'sk-example-0123456789' }],
  },
  {
    does: 'renames a provider key that another has added',
    cells: KEEPERS,
    ask: async () => ['PUT', `/api/provider-keys/${await providerKey()}`, { name: name() }],
  },
  ...(['disable', 'enable'] as const).map((verb) => ({
    does: `${verb}s a provider key that another has added`,
    cells: KEEPERS,
    ask: async (): Promise<Ask> => ['POST', `/api/provider-keys/${await providerKey()}/${verb}`],
  })),
  {
    does: 'deletes a provider key that another has added',
    cells: KEEPERS,
    ask: async () => ['DELETE', `/api/provider-keys/${await providerKey()}`],
  },
  {
    does: 'makes an admin token',
    cells: ADMINS,
    ask: () => ['POST', '/api/admin-tokens', { name: name(), scopes: ['read'] }],
  },
  {
    does: 'revokes an admin token',
    cells: ADMINS,
    ask: async () => ['POST', `/api/admin-tokens/${(await addToken(api, crew.owner, ['read'])).tokenId}/revoke`],
  },
  { does: 'renames the account', cells: ADMINS, ask: () => ['PUT', '/api/account', { name: name() }] },
  {
    does: 'invites somebody',
    cells: ADMINS,
    ask: () => ['POST', '/api/invitations', { email: newEmail(), role: 'viewer' }],
  },
  {
    does: 'sends an invitation again',
    cells: ADMINS,
    ask: async () => ['POST', `/api/invitations/${await invitation()}/resend`],
  },
  {
    does: 'revokes an invitation',
    cells: ADMINS,
    ask: async () => ['DELETE', `/api/invitations/${await invitation()}`],
  },
  {
    does: 'changes a member',
    cells: ADMINS,
    ask: () => ['PATCH', `/api/members/${crew.people.viewer.memberId}`, { display_name: name() }],
  },
  {
    does: 'removes a member',
    cells: ADMINS,
    ask: async () => ['DELETE', `/api/members/${(await newMember(api, crew.owner, 'member')).memberId}`],
  },
  {
    does: 'gives the account away',
    // Of the owner, it is told below.
    cells: '.nnn nnn',
    ask: () => ['PATCH', `/api/members/${crew.people.viewer.memberId}/transfer-ownership`],
  },
  { does: 'lists sessions', cells: 'yyyy bbb', ask: () => ['GET', '/api/sessions'] },
  {
    does: 'ends a session of another member',
    cells: 'yy-- bbb',
    ask: async () => {
      const { email } = await newMember(api, crew.owner, 'viewer')
      const { cookie } = await signIn(api, email)
      const { body } = await api.govern('GET', '/api/sessions', { headers: { cookie: `rungate_session=${cookie}` } })
      return ['DELETE', `/api/sessions/${body.data[0].id}`]
    },
  },
  ...(['webhooks', 'alert-rules'] as const).flatMap((things): Action[] => {
    const [input, make] = things === 'webhooks' ? [webhookInput, webhook] : [ruleInput, alertRule]
    const path = async (as?: Pick<Asked, 'key' | 'headers'>) => `/api/${things}/${await make(as)}`
    const change = () => (things === 'webhooks' ? { name: name() } : ruleInput())
    return [
      { does: `makes one of ${things}`, cells: WRITERS, ask: () => ['POST', `/api/${things}`, input()] },
      {
        does: `makes one of ${things} for everybody`,
        cells: KEEPERS,
        ask: () => ['POST', `/api/${things}`, input({ scope: 'org' })],
      },
      {
        does: `makes a personal one of ${things}`,
        cells: 'yyyn bbn',
        ask: () => ['POST', `/api/${things}`, input({ scope: 'personal' })],
      },
      { does: `changes one of ${things}`, cells: KEEPERS, ask: async () => ['PUT', await path(), change()] },
      { does: `deletes one of ${things}`, cells: KEEPERS, ask: async () => ['DELETE', await path()] },
      ...(['enable', 'disable'] as const).map((verb) => ({
        does: `${verb}s one of ${things}`,
        cells: KEEPERS,
        ask: async (): Promise<Ask> => ['POST', `${await path()}/${verb}`],
      })),
      {
        does: `changes one of ${things} of its own`,
        cells: WRITERS,
        ask: async (as) => ['PUT', `/api/${things}/${await byOwn(as, make)}`, change()],
      },
      {
        does: `deletes one of ${things} of its own`,
        cells: WRITERS,
        ask: async (as) => ['DELETE', `/api/${things}/${await byOwn(as, make)}`],
      },
    ]
  }),
  ...(['rotate-secret', 'expire-previous-secret', 'test'] as const).map((what) => ({
    does: `asks for ${what} of a webhook`,
    cells: KEEPERS,
    ask: async (): Promise<Ask> => ['POST', `/api/webhooks/${await webhook()}/${what}`],
  })),
  { does: 'stops a run', cells: WRITERS, ask: async () => ['POST', `/api/runs/${await run()}/stop`] },
  { does: 'completes a run', cells: WRITERS, ask: async () => ['POST', `/api/runs/${await run()}/complete`] },
  { does: 'renames a run', cells: WRITERS, ask: async () => ['PATCH', `/api/runs/${await run()}`, { name: name() }] },
  {
    does: 'lifts the block of a stopped run',
    cells: WRITERS,
    ask: async () => ['POST', `/api/runs/${await stopped()}/unblock`],
  },
  ...(['approve', 'reject'] as const).map((verb) => ({
    does: `${verb}s the use of a tool`,
    cells: WRITERS,
    ask: async (): Promise<Ask> => {
      const approvalId = await approvalAsked(api, crew.owner, randomUUID())
      return ['POST', `/api/approval-requests/${approvalId}/${verb}`]
    },
  })),
  {
    does: 'deletes old data',
    cells: ADMINS,
    ask: () => ['POST', '/api/analytics/cleanup', { days: 400 }],
  },
  // What is one's own.
  ...(['PUT', 'DELETE'] as const).map((method) => ({
    does: `changes a policy of its own (${method})`,
    cells: WRITERS,
    ask: async (as: Pick<Asked, 'key' | 'headers'>): Promise<Ask> => {
      const mine = as === crew.as.viewer || as === crew.as['read token'] ? await policy() : await policy(as)
      const path = `/api/policies/${mine}`
      return method === 'PUT' ? [method, path, { name: name(), dry_run: true }] : [method, path]
    },
  })),
  {
    does: 'changes an agent of its own',
    cells: WRITERS,
    ask: async (as) => {
      const mine = as === crew.as.viewer || as === crew.as['read token'] ? await agent() : await agent(as)
      return ['PATCH', `/api/agents/${mine}`, { description: 'changed' }]
    },
  },
  {
    does: 'deletes a provider key that it has added',
    cells: WRITERS,
    ask: async (as) => {
      const mine = as === crew.as.viewer || as === crew.as['read token'] ? await providerKey() : await providerKey(as)
      return ['DELETE', `/api/provider-keys/${mine}`]
    },
  },
]

const cellsOf = ({ does, cells, ask }: Action) =>
  [...cells.replaceAll(' ', '')].flatMap((cell, index) => {
    const who = ASKERS[index]
    return cell === '.' || who === undefined
      ? []
      : [{ who, does, cell, ask, says: cell === 'y' ? 'done' : STATUS[cell] }]
  })

describe('what is asked by', () => {
  it.each(actions.flatMap(cellsOf))('$who who $does is answered: $says', async ({ who, cell, ask }) => {
    const as = crew.as[who]
    const [method, path, body] = await ask(as)
    const { status, body: answer } = await api.govern(method, path, { ...as, body })
    if (cell === 'y') expect(status, JSON.stringify(answer)).toBeLessThan(300)
    else expect(status, JSON.stringify(answer)).toBe(STATUS[cell])
  })
})

describe('reading', () => {
  const reads = operations.filter(
    ({ method, path, access }) =>
      method === 'get' && !path.includes('{') && access.alternatives.some(({ scheme }) => scheme === DASHBOARD),
  )
  const closed: Readonly<Record<string, readonly Asker[]>> = {
    listAdminTokens: ['owner', 'admin', 'admin token'],
    listSessions: ['owner', 'admin', 'member', 'viewer'],
  }
  const cells = reads.flatMap(({ id, path }) => ASKERS.map((who) => ({ id, path, who })))

  it.each(cells)('$id is open to the $who as the table says', async ({ id, path, who }) => {
    const { status } = await api.govern('GET', path, crew.as[who])
    // Some want parameters; that is told after who may ask.
    if ((closed[id] ?? ASKERS).includes(who)) expect([200, 400]).toContain(status)
    else expect(status).toBe(id === 'listSessions' ? 400 : 403)
  })
})

describe('what is personal', () => {
  it.each(ASKERS.filter((who) => who !== 'member'))('of a member is as good as absent for the %s', async (who) => {
    const id = await policy(crew.as.member)
    const as = crew.as[who]
    expect((await api.govern('GET', `/api/policies/${id}`, as)).status).toBe(404)
    const { body } = await api.govern('GET', '/api/policies', as)
    expect(body.data.map((each: { id: string }) => each.id)).not.toContain(id)
    if (who === 'viewer' || who === 'read token') return
    expect((await api.govern('PUT', `/api/policies/${id}`, { ...as, body: { name: name() } })).status).toBe(404)
    expect((await api.govern('DELETE', `/api/policies/${id}`, as)).status).toBe(404)
  })

  it('is so by default where a member makes it, is seen by that member, and stays personal', async () => {
    const as = crew.as.member
    const id = await policy(as)
    const { body } = await api.govern('GET', `/api/policies/${id}`, as)
    expect(body.data).toMatchObject({ visibility: 'personal', member_id: crew.people.member.memberId })
    const opened = await api.govern('PUT', `/api/policies/${id}`, { ...as, body: { name: name(), visibility: 'org' } })
    expect(opened.status).toBe(403)
  })

  it('is nothing that another made', async () => {
    const id = await policy()
    const body = { name: name(), visibility: 'personal' }
    const { status, body: answer } = await api.govern('PUT', `/api/policies/${id}`, { ...crew.as.admin, body })
    expect([status, answer.error.fields]).toStrictEqual([400, { visibility: expect.any(String) }])
  })
})

describe('who did it', () => {
  it('is the member where a session asks, and the token where a token does', async () => {
    const { admin, owner } = crew.people
    const id = await policy(crew.as.admin)
    const changed = { key: crew.owner.token, body: { name: name() } }
    expect((await api.govern('PUT', `/api/policies/${id}`, changed)).status).toBe(200)
    const { body } = await api.govern('GET', `/api/policies/${id}`, crew.as.owner)
    const { created_by, created_by_token_id, updated_by, updated_by_token_id } = body.data
    expect([created_by, created_by_token_id]).toStrictEqual([admin.memberId, null])
    expect(updated_by).toBe(updated_by_token_id)
    expect(updated_by).not.toBe(owner.memberId)
  })

  it('may give an agent to a member of the account alone', async () => {
    const id = await agent()
    const { viewer } = crew.people
    const patch = (member_id: string | null) =>
      api.govern('PATCH', `/api/agents/${id}`, { ...crew.as.admin, body: { member_id } })
    expect((await patch(viewer.memberId)).body.data.member_id).toBe(viewer.memberId)
    expect((await patch(randomUUID())).status).toBe(400)
    expect((await patch(null)).body.data.member_id).toBeNull()
  })
})
