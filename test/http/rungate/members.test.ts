/** Members and invitations over HTTP: how they come, what they are, and how they go. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { account } from '../../../src/commands/rungate/account.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { registered } from './accounts.ts'
import { cookieOf, invite, lastMail, newEmail, newMember, newOwner, type Owner, signIn, withCookie } from './people.ts'

let api: Api
let later = 0
let owner: Owner
beforeAll(async () => {
  api = await startApi({
    governClock: () => new Date(Date.now() + later),
    peopleLimits: { resendsMax: 2, invitationsMax: 20 },
  })
  owner = await newOwner(api)
})
afterAll(() => api.stop())

const DAY_MS = 86_400_000
const accept = (token: string, of: Api['govern'] = api.govern) =>
  of('POST', '/auth/accept-invitation', { body: { token, display_name: ' Grace ' } })
const byToken = (token: string) => api.govern('GET', `/auth/invitation-by-token?token=${token}`)
const as = (cookie: string, body?: object) => ({ ...withCookie(cookie), ...(body && { body }) })

describe('an invitation', () => {
  it('brings a mail whose link says what it is to, and makes whoever has it a member who is signed in', async () => {
    const email = newEmail('grace')
    const { invitationId, token } = await invite(api, owner, email, 'viewer')
    const mail = await lastMail(api, email)
    expect(mail.text).toContain(`/rungate/invitation#token=${token}`)
    const shown = await byToken(token)
    expect(shown.body.data).toMatchObject({ org_name: 'Acme', role: 'viewer', email, invited_by: 'Ada' })
    expect((await byToken(token)).status).toBe(200)
    const answer = await accept(token)
    expect(answer.body.data).toMatchObject({
      account: { id: owner.accountId, name: 'Acme' },
      member: { email, display_name: 'Grace', role: 'viewer', status: 'active', invited_by: owner.memberId },
    })
    const { body } = await api.govern('GET', '/auth/session', withCookie(cookieOf(answer)))
    expect(body.data).toMatchObject({ account: { id: owner.accountId, status: 'active', email }, scopes: ['read'] })
    const listed = await api.govern('GET', '/api/invitations?status=accepted', as(owner.cookie))
    const [accepted] = listed.body.data.filter(({ id }: { id: string }) => id === invitationId)
    expect(accepted).toMatchObject({ status: 'accepted', accepted_at: expect.any(String) })
    expect((await signIn(api, email)).isNewUser).toBe(false)
    expect([(await accept(token)).status, (await byToken(token)).status]).toStrictEqual([409, 404])
  })

  it('is good for one of 50 who use it at once, on two processes', async () => {
    const { token } = await invite(api, owner, newEmail())
    const uses = Array.from({ length: 50 }, (_, index) =>
      accept(token, index % 2 === 0 ? api.govern : api.governSecond),
    )
    const statuses = (await Promise.all(uses)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(new Set(statuses)).toStrictEqual(new Set([200, 409]))
  })

  it('is one at a time for an address, and none for a member, whatever the case', async () => {
    const email = newEmail()
    const { token } = await invite(api, owner, email)
    const again = () =>
      api.govern('POST', '/api/invitations', as(owner.cookie, { email: email.toUpperCase(), role: 'admin' }))
    expect((await again()).status).toBe(409)
    await accept(token)
    const { status, body } = await again()
    expect([status, body.error.type]).toStrictEqual([409, 'conflict'])
  })

  it('is made by a token in its name', async () => {
    const body = { email: newEmail(), role: 'viewer' }
    const made = await api.govern('POST', '/api/invitations', { key: owner.token, body })
    expect(made.body.data).toMatchObject({ status: 'pending', invited_by: 'token:registration' })
  })

  it('that is sent again has another token, seven days anew, and so often an hour only', async () => {
    const email = newEmail()
    const { invitationId, token } = await invite(api, owner, email)
    const resend = () => api.govern('POST', `/api/invitations/${invitationId}/resend`, as(owner.cookie))
    const first = await resend()
    expect(first.body.data.status).toBe('pending')
    const { token: second } = await lastMail(api, email)
    expect(second).not.toBe(token)
    expect((await accept(token)).status).toBe(404)
    expect((await byToken(second)).status).toBe(200)
    expect([(await resend()).status, (await resend()).status]).toStrictEqual([200, 429])
    await accept((await lastMail(api, email)).token)
    later += 3_600_000
    expect((await resend()).status).toBe(409)
    later -= 3_600_000
  })

  it('that was revoked, or whose time is over, opens nothing', async () => {
    const { invitationId, token } = await invite(api, owner, newEmail())
    const revoke = () => api.govern('DELETE', `/api/invitations/${invitationId}`, as(owner.cookie))
    expect((await revoke()).body.data.status).toBe('revoked')
    expect((await revoke()).status).toBe(409)
    expect([(await accept(token)).status, (await byToken(token)).status]).toStrictEqual([404, 404])
    const email = newEmail()
    const { invitationId: over, token: late } = await invite(api, owner, email)
    later += 7 * DAY_MS
    try {
      expect((await accept(late)).status).toBe(404)
      const { body } = await api.govern('GET', '/api/invitations?status=expired', { key: owner.token })
      expect(body.data.map(({ id }: { id: string }) => id)).toContain(over)
      const anew = await api.govern('POST', '/api/invitations', { key: owner.token, body: { email, role: 'viewer' } })
      expect(anew.status).toBe(201)
    } finally {
      later -= 7 * DAY_MS
    }
  })

  it('of a suspended account is told 410, and one of nobody 404', async () => {
    const other = await newOwner(api)
    const { token } = await invite(api, other, newEmail())
    const suspension = { kind: 'suspend', reason: null, at: new Date().toISOString() } as const
    await api.bus.handle(account, other.accountId, suspension, systemContext())
    expect((await accept(token)).status).toBe(410)
    expect((await byToken(token)).status).toBe(404)
    expect((await accept('f'.repeat(64))).status).toBe(404)
  })

  it('is another account’s to nobody else', async () => {
    const other = await newOwner(api)
    const { invitationId } = await invite(api, other, newEmail())
    for (const id of [invitationId, randomUUID(), 'x']) {
      expect((await api.govern('DELETE', `/api/invitations/${id}`, as(owner.cookie))).status).toBe(404)
      expect((await api.govern('POST', `/api/invitations/${id}/resend`, as(owner.cookie))).status).toBe(404)
    }
  })

  it('is one of so many that an account may send in an hour', async () => {
    const other = await newOwner(api)
    const ask = () =>
      api.govern('POST', '/api/invitations', { key: other.token, body: { email: newEmail(), role: 'viewer' } })
    const statuses = (await Promise.all(Array.from({ length: 22 }, ask))).map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(20)
    expect(statuses.filter((status) => status === 429)).toHaveLength(2)
  })
})

describe('an address', () => {
  it('belongs to one account of the installation', async () => {
    const other = await newOwner(api)
    const body = { email: other.email, role: 'viewer' }
    expect((await api.govern('POST', '/api/invitations', as(owner.cookie, body))).status).toBe(409)
    // Invited while it had none, it joins the account that it comes to first.
    const email = newEmail()
    const [here, there] = [await invite(api, owner, email), await invite(api, other, email)]
    const answers = await Promise.all([accept(here.token), accept(there.token, api.governSecond)])
    expect(answers.map(({ status }) => status).sort()).toStrictEqual([200, 409])
  })

  it('is free once its member was removed, and is another person’s then', async () => {
    const email = newEmail()
    const first = await newMember(api, owner, 'member', email)
    expect((await api.govern('DELETE', `/api/members/${first.memberId}`, as(owner.cookie))).status).toBe(200)
    const second = await newMember(api, await newOwner(api), 'member', email)
    expect(second.memberId).not.toBe(first.memberId)
  })
})

describe('a member', () => {
  it('is given another name and another role, by owner and admins', async () => {
    const { memberId } = await newMember(api, owner, 'member')
    const patch = (body: object) => api.govern('PATCH', `/api/members/${memberId}`, as(owner.cookie, body))
    expect((await patch({ role: 'admin', display_name: 'Hopper' })).body.data).toMatchObject({
      role: 'admin',
      display_name: 'Hopper',
    })
    for (const body of [{}, { role: 'owner' }, { display_name: ' ' }, { display_name: 'x'.repeat(101) }]) {
      expect((await patch(body)).status).toBe(400)
    }
    const own = (body: object) => api.govern('PATCH', `/api/members/${owner.memberId}`, as(owner.cookie, body))
    expect((await own({ role: 'admin' })).status).toBe(403)
    expect((await own({ display_name: 'Ada' })).status).toBe(200)
    const foreign = (await newOwner(api)).memberId
    expect((await api.govern('PATCH', `/api/members/${foreign}`, as(owner.cookie, { role: 'viewer' }))).status).toBe(
      404,
    )
  })

  it('that is removed leaves its agents and its personal policies to who removes it, and is signed out', async () => {
    const member = await newMember(api, owner, 'member')
    const signed = withCookie(member.cookie)
    const policy = await api.govern('POST', '/api/policies', { ...signed, body: { name: `p ${randomUUID()}` } })
    const agent = await api.govern('POST', '/api/agents', {
      ...signed,
      body: { name: `a ${randomUUID()}`, policy_id: owner.policyId },
    })
    const { status, body } = await api.govern('DELETE', `/api/members/${member.memberId}`, as(owner.cookie))
    expect([status, body.data]).toMatchObject([200, { agents_reassigned: 1, policies_reassigned: 1 }])
    const of = (path: string) => api.govern('GET', path, as(owner.cookie))
    expect((await of(`/api/agents/${agent.body.data.id}`)).body.data.member_id).toBe(owner.memberId)
    expect((await of(`/api/policies/${policy.body.data.id}`)).body.data).toMatchObject({
      member_id: owner.memberId,
      visibility: 'personal',
    })
    await eventually(
      async () => expect((await api.governSecond('GET', '/api/account', signed)).status).toBe(401),
      1_000,
    )
    expect((await api.govern('GET', '/auth/session', signed)).status).toBe(401)
    expect((await of('/api/members')).body.data.map(({ id }: { id: string }) => id)).not.toContain(member.memberId)
    expect((await api.govern('DELETE', `/api/members/${member.memberId}`, as(owner.cookie))).status).toBe(404)
  })

  it('that a token removes leaves them to the owner, or to everybody where there is none', async () => {
    const { token, accountId, policyId } = await registered(api)
    const body = { email: newEmail(), role: 'member' }
    await api.govern('POST', '/api/invitations', { key: token, body })
    const joined = await accept((await lastMail(api, body.email)).token)
    const signed = withCookie(cookieOf(joined))
    const made = await api.govern('POST', '/api/policies', { ...signed, body: { name: 'mine' } })
    const agent = await api.govern('POST', '/api/agents', { ...signed, body: { name: 'mine', policy_id: policyId } })
    const removed = await api.govern('DELETE', `/api/members/${joined.body.data.member.id}`, { key: token })
    expect(removed.body.data).toMatchObject({ agents_reassigned: 1, policies_reassigned: 1 })
    const policy = await api.govern('GET', `/api/policies/${made.body.data.id}`, { key: token })
    expect(policy.body.data).toMatchObject({ org_id: accountId, member_id: null, visibility: 'org' })
    const after = await api.govern('GET', `/api/agents/${agent.body.data.id}`, { key: token })
    expect(after.body.data.member_id).toBeNull()
  })
})

describe('the owner', () => {
  it('is not removed, and gives the account to another member', async () => {
    const first = await newOwner(api)
    const second = await newMember(api, first, 'viewer')
    const transfer = (to: string, cookie: string) =>
      api.govern('PATCH', `/api/members/${to}/transfer-ownership`, as(cookie))
    expect((await api.govern('DELETE', `/api/members/${first.memberId}`, as(first.cookie))).status).toBe(409)
    expect((await transfer(first.memberId, first.cookie)).status).toBe(400)
    expect((await transfer(randomUUID(), first.cookie)).status).toBe(404)
    const byToken = { key: (await registered(api)).token }
    const asked = await api.govern('PATCH', `/api/members/${randomUUID()}/transfer-ownership`, byToken)
    expect([asked.status, asked.body.error.type]).toStrictEqual([403, 'forbidden'])
    expect((await transfer(second.memberId, first.cookie)).status).toBe(200)
    await eventually(async () => {
      const { body } = await api.govern('GET', '/api/members', as(second.cookie))
      const roles = Object.fromEntries(body.data.map(({ id, role }: { id: string; role: string }) => [id, role]))
      expect(roles).toStrictEqual({ [first.memberId]: 'admin', [second.memberId]: 'owner' })
      expect((await transfer(first.memberId, second.cookie)).status).toBe(200)
    })
    expect((await api.govern('GET', '/api/account', as(first.cookie))).body.data.email).toBe(first.email)
  })
})
