/** People of rungate in their browsers: they ask for links, read their mails, sign in, register, and accept invitations. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { MailFacts } from '../../../src/commands/mail.ts'
import { mail } from '../../../src/commands/rungate/mail.ts'
import type { GivenRole } from '../../../src/events/rungate/vocabulary.ts'
import type { Answer, Api, Asked } from '../api.ts'
import { addToken, registered } from './accounts.ts'

/** An address that nobody else has. */
export const newEmail = (name = 'ada'): string => `${name}-${randomUUID().slice(0, 8)}@example.com`

/** The mails that were asked for to this address, the last one first, as they would leave. */
export async function mailsTo(api: Api, to: string): Promise<MailFacts[]> {
  const { rows } = await sql<{ mail_id: string }>`SELECT mail_id FROM rungate_mails
    ORDER BY created_at DESC, mail_id`.execute(api.db)
  const states = await Promise.all(rows.map(({ mail_id }) => api.bus.current(mail, mail_id)))
  return states.flatMap((state) => (state.status === 'pending' && state.facts.to === to ? [state.facts] : []))
}

export async function lastMail(api: Api, to: string): Promise<MailFacts & { token: string }> {
  const [last] = await mailsTo(api, to)
  if (!last?.token) throw new Error(`no mail with a link was asked for to ${to}`)
  return { ...last, token: last.token }
}

/** The cookie that an answer sets; '' where it takes it away. */
export function cookieOf(answer: Answer): string {
  const [set = ''] = answer.headers.getSetCookie().filter((each) => each.startsWith('rungate_session='))
  return /^rungate_session=([\w-]*)/.exec(set)?.[1] ?? ''
}

export const withCookie = (cookie: string, headers: Record<string, string> = {}) => ({
  headers: { cookie: `theme=dark; rungate_session=${cookie}`, ...headers },
})

/** Asks for a link, and answers with the mail. */
export async function askForLink(api: Api, email: string) {
  const asked = await api.govern('POST', '/auth/start', { body: { email } })
  expect(asked.status).toBe(200)
  return lastMail(api, email)
}

/** A browser that has signed in. */
export async function signIn(api: Api, email: string): Promise<{ cookie: string; isNewUser: boolean }> {
  const { token } = await askForLink(api, email)
  const answer = await api.govern('POST', '/auth/verify', { body: { token } })
  expect(answer.status).toBe(200)
  return { cookie: cookieOf(answer), isNewUser: answer.body.data.isNewUser }
}

export interface Person {
  email: string
  memberId: string
  accountId: string
  cookie: string
}
export interface Owner extends Person {
  /** The account's first admin token, its first agent and its first policy. */
  token: string
  agentId: string
  policyId: string
}

/** Who has claimed a new account. */
export async function newOwner(api: Api, email = newEmail('owner')): Promise<Owner> {
  const { accountId, token, agentId, policyId } = await registered(api)
  const { cookie } = await signIn(api, email)
  const asked = { ...withCookie(cookie), body: { name: 'Ada', admin_token: token } }
  const claimed = await api.govern('POST', '/auth/complete-registration', asked)
  expect(claimed.status, JSON.stringify(claimed.body)).toBe(200)
  const { body } = await api.govern('GET', '/api/members', withCookie(cookie))
  return { email, memberId: body.data[0].id, accountId, cookie, token, agentId, policyId }
}

export async function invite(api: Api, { cookie }: Pick<Person, 'cookie'>, email: string, role: GivenRole = 'member') {
  const made = await api.govern('POST', '/api/invitations', { ...withCookie(cookie), body: { email, role } })
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return { invitationId: made.body.data.id as string, token: (await lastMail(api, email)).token }
}

/** A member of the owner's account, in a browser of its own. */
export async function newMember(
  api: Api,
  owner: Pick<Person, 'cookie' | 'accountId'>,
  role: GivenRole,
  email = newEmail(role),
): Promise<Person> {
  const { token } = await invite(api, owner, email, role)
  const answer = await api.govern('POST', '/auth/accept-invitation', { body: { token, display_name: role } })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return { email, memberId: answer.body.data.member.id, accountId: owner.accountId, cookie: cookieOf(answer) }
}

/** Whoever can ask: each role by its cookie, and tokens of each scope. */
export const ASKERS = ['owner', 'admin', 'member', 'viewer', 'admin token', 'write token', 'read token'] as const
export type Asker = (typeof ASKERS)[number]

export interface Crew {
  owner: Owner
  people: Readonly<Record<'owner' | GivenRole, Person>>
  /** How each signs its requests. */
  as: Readonly<Record<Asker, Pick<Asked, 'key' | 'headers'>>>
}

/** An account with one of each. */
export async function newCrew(api: Api): Promise<Crew> {
  const owner = await newOwner(api)
  const people = {
    owner,
    admin: await newMember(api, owner, 'admin'),
    member: await newMember(api, owner, 'member'),
    viewer: await newMember(api, owner, 'viewer'),
  }
  const tokens = { write: await addToken(api, owner, ['write']), read: await addToken(api, owner, ['read']) }
  const as = {
    owner: withCookie(owner.cookie),
    admin: withCookie(people.admin.cookie),
    member: withCookie(people.member.cookie),
    viewer: withCookie(people.viewer.cookie),
    'admin token': { key: owner.token },
    'write token': { key: tokens.write.token },
    'read token': { key: tokens.read.token },
  }
  return { owner, people, as }
}
