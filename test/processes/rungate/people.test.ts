/** What becomes of people without anybody asking: what a crash left undone is finished, what is over ends, who is forgotten is. */
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashKey } from '../../../src/api-keys/key-text.ts'
import { address, holderOf } from '../../../src/commands/rungate/address.ts'
import { join } from '../../../src/commands/rungate/joining.ts'
import { generateKey } from '../../../src/commands/rungate/keys.ts'
import { roster } from '../../../src/commands/rungate/roster.ts'
import { session } from '../../../src/commands/rungate/session.ts'
import { createDatabase, type ReadModels } from '../../../src/postgres/database.ts'
import { createPeopleDigests } from '../../../src/processes/rungate/people-digests.ts'
import { providerSecretsOf } from '../../../src/processes/rungate/processes.ts'
import { createKeyRing } from '../../../src/vault/key-ring.ts'
import { eventually } from '../../projections/support.ts'
import { runCli } from '../../support/cli.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { sealingKey } from '../../support/webhook-operator.ts'
import { cutAfter } from './cut-bus.ts'

let stack: Stack
let db: ReadModels
beforeAll(async () => {
  stack = await startStack({
    environment: {
      ...{ RUNGATE_COMPLETION_GRACE_MS: '1', RUNGATE_EXPIRY_INTERVAL_MS: '100' },
      ...{ RUNGATE_LOGINS_PER_CALLER_HOUR_MAX: '1000', RUNGATE_REGISTRATIONS_PER_HOUR_MAX: '1000' },
      SECRETS_KEY: sealingKey.toString('base64'),
    },
  })
  db = createDatabase({ url: stack.databaseUrl, poolMax: 2 })
})
afterAll(async () => {
  await db.destroy()
  await stack.close()
})

const newEmail = () => `ada-${randomUUID().slice(0, 8)}@example.com`

/** A person that registers, as far as the address goes. */
function wanted(accountId = randomUUID()) {
  const [token, key] = [generateKey('adm'), generateKey('sk')]
  const registration = {
    ...{ name: `Acme ${accountId.slice(0, 8)}`, policyId: randomUUID() },
    agent: { agentId: randomUUID(), name: '', ...key.facts },
    token: { tokenId: randomUUID(), ...token.facts },
  }
  const joining = { kind: 'registered' as const, registration }
  return {
    token: token.secret,
    joined: { addressId: randomUUID(), accountId, email: newEmail(), displayName: 'Ada', joining },
  }
}
const membersOf = async (accountId: string) => [...(await stack.bus.current(roster, accountId)).members.values()]

/** Steps of a registration by a person: the address, nine of the account, the roster. */
const STEPS = 11

describe('a person that registers', () => {
  it.each(Array.from({ length: STEPS - 1 }, (_, index) => index + 1))(
    'owns one account, though the process ends after %i steps',
    async (steps) => {
      const { token, joined } = wanted()
      await expect(join(cutAfter(stack.bus, steps), joined, stack.adminContext())).rejects.toThrow('cut')
      await eventually(async () => {
        const [member, ...others] = await membersOf(joined.accountId)
        expect([member?.email, member?.role, others]).toStrictEqual([joined.email, 'owner', []])
      })
      const headers = { authorization: `Bearer ${token}` }
      await eventually(async () => {
        const answer = await fetch(`${stack.url}/rungate/api/account`, { headers })
        expect(((await answer.json()) as { data: object }).data).toMatchObject({ email: joined.email })
      })
    },
  )
})

describe('a mail', () => {
  const mailsTo = async (to: string) => {
    const answer = await fetch(`${stack.url}/rungate/dev/mailbox?to=${encodeURIComponent(to)}`)
    return ((await answer.json()) as { data: { token: string; code: string | null }[] }).data
  }
  const post = (path: string, body: object) =>
    fetch(`${stack.url}/rungate${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const later = (at: string) => new Date(Date.parse(at) + 900_000).toISOString()

  it('of a login is asked for once, though the process ends before that', async () => {
    const people = createPeopleDigests(providerSecretsOf(db, createKeyRing({ current: sealingKey, previous: [] })))
    const before = newEmail()
    expect((await post('/auth/start', { email: before })).status).toBe(200)
    const email = newEmail()
    const [addressId, loginId, context] = [await people.addressIdOf(email), randomUUID(), stack.adminContext()]
    const { token, code } = await people.loginSecretsOf(loginId)
    const hashes = { tokenHash: hashKey(token), codeHash: await people.codeHashOf(addressId, code) }
    const { at } = context
    const asked = { kind: 'requestLogin', addressId, email, loginId, ...hashes, expiresAt: later(at), at } as const
    await stack.bus.handle(address, addressId, asked, context)
    await eventually(async () => expect(await mailsTo(email)).toMatchObject([{ token, code }]))
    // What came before it has been looked at before it.
    expect(await mailsTo(before)).toHaveLength(1)
    expect((await post('/auth/verify', { token })).status).toBe(200)
  })

  it('of an invitation is asked for, though the process ends before that', async () => {
    const people = createPeopleDigests(providerSecretsOf(db, createKeyRing({ current: sealingKey, previous: [] })))
    const { joined } = wanted()
    await join(stack.bus, joined, stack.adminContext())
    const { accountId } = joined
    const [owner] = await membersOf(accountId)
    const [email, invitationId, context] = [newEmail(), randomUUID(), stack.adminContext()]
    const addressId = await people.addressIdOf(email)
    const { at } = context
    const expiresAt = later(at)
    const token = await people.invitationTokenOf(invitationId, expiresAt)
    const facts = {
      ...{ accountId, invitationId, addressId, memberId: randomUUID(), email, role: 'viewer' as const, expiresAt },
      ...{ tokenHash: hashKey(token), invitedBy: owner?.memberId ?? '', occurredAt: at },
      author: { id: owner?.memberId ?? '', tokenId: null },
    }
    await stack.bus.handle(roster, accountId, { kind: 'invite', facts, at }, context)
    await eventually(async () => expect(await mailsTo(email)).toMatchObject([{ token, code: null }]))
  })
})

describe('an address', () => {
  it('is let go where the roster does not take its holder, though the process ends in between', async () => {
    const first = wanted()
    await join(stack.bus, first.joined, stack.adminContext())
    const second = { ...wanted().joined, accountId: first.joined.accountId, joining: { kind: 'claimed' as const } }
    await expect(join(cutAfter(stack.bus, 1), second, stack.adminContext())).rejects.toThrow('cut')
    await eventually(async () => {
      expect((await stack.bus.current(address, second.addressId)).accountId).toBeNull()
    })
    expect(await membersOf(first.joined.accountId)).toHaveLength(1)
  })

  it('is let go after its member was removed, though the process ended in between', async () => {
    const { joined } = wanted()
    const { memberId } = await join(stack.bus, joined, stack.adminContext())
    const { accountId, addressId } = joined
    const author = { id: 'system', tokenId: null }
    const context = stack.adminContext()
    const removal = {
      kind: 'remove',
      accountId,
      memberId,
      heirId: null,
      author,
      at: context.at,
      isForgotten: true,
    } as const
    await stack.bus.handle(roster, accountId, removal, context)
    await eventually(async () => {
      const state = await stack.bus.current(address, addressId)
      expect([state.accountId, holderOf(addressId, state) === memberId]).toStrictEqual([null, false])
    })
  })
})

describe('what is over', () => {
  it('ends by itself: invitations', async () => {
    const { joined } = wanted()
    const { memberId } = await join(stack.bus, joined, stack.adminContext())
    const { accountId } = joined
    const context = stack.adminContext()
    const invitationId = randomUUID()
    const facts = {
      ...{ accountId, invitationId, addressId: randomUUID(), memberId: randomUUID(), email: newEmail() },
      ...{ role: 'viewer' as const, invitedBy: memberId, author: { id: memberId, tokenId: null } },
      ...{ tokenHash: 'ab'.repeat(32), expiresAt: new Date(Date.now() + 200).toISOString(), occurredAt: context.at },
    }
    await stack.bus.handle(roster, accountId, { kind: 'invite', facts, at: context.at }, context)
    await eventually(async () => {
      const { invitations } = await stack.bus.current(roster, accountId)
      expect(invitations.get(invitationId)?.status).toBe('expired')
    })
  })

  it('ends by itself: sessions', async () => {
    const context = stack.adminContext()
    const [sessionId, memberId, addressId] = [randomUUID(), randomUUID(), randomUUID()]
    const facts = {
      ...{ sessionId, memberId, addressId, accountId: null, keyHash: 'cd'.repeat(32) },
      ...{ expiresAt: new Date(Date.now() + 200).toISOString(), ipAddress: null, userAgent: null },
      occurredAt: context.at,
    }
    await stack.bus.handle(session, sessionId, { kind: 'start', facts }, context)
    await eventually(async () => expect((await stack.bus.current(session, sessionId)).status).toBe('ended'))
    await eventually(async () => {
      const { rows } = await sql`SELECT FROM rungate_sessions WHERE session_id = ${sessionId}::uuid`.execute(db)
      expect(rows).toHaveLength(0)
    })
  })
})

/** Somebody with an account, who has signed in by a link out of the mailbox. */
async function newOwner() {
  const email = newEmail()
  const post = (path: string, body: object, cookie = '') =>
    fetch(`${stack.url}/rungate/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie },
      body: JSON.stringify(body),
    })
  const signIn = async () => {
    expect((await post('start', { email })).status).toBe(200)
    const { data } = await eventually(async () => {
      const found = await mailbox(email)
      expect(found.total).toBeGreaterThan(0)
      return found
    })
    const verified = await post('verify', { token: data[0]?.token })
    const { data: said } = (await verified.json()) as { data: { isNewUser: boolean } }
    return { cookie: verified.headers.getSetCookie()[0]?.split(';')[0] ?? '', isNewUser: said.isNewUser }
  }
  const { cookie } = await signIn()
  expect((await post('complete-registration', { name: 'Hopper' }, cookie)).status).toBe(200)
  const members = await fetch(`${stack.url}/rungate/api/members`, { headers: { cookie } })
  const { data } = (await members.json()) as { data: { id: string; org_id: string }[] }
  return { email, cookie, signIn, memberId: data[0]?.id ?? '', accountId: data[0]?.org_id ?? '' }
}

const mailbox = async (email: string) =>
  (await (await fetch(`${stack.url}/rungate/dev/mailbox?to=${email}`)).json()) as {
    data: { token: string }[]
    total: number
  }

describe('who is forgotten', () => {
  it('is no member any more, cannot be read anywhere, and comes back as somebody else', async () => {
    const { email, cookie, signIn, memberId, accountId } = await newOwner()
    const environment = {
      DATA_DIR: dirname(stack.logFile),
      EVENTSTORE_URL: stack.eventStoreUrl,
      DATABASE_URL: stack.databaseUrl,
    }
    const forget = async () => {
      const args = ['admin', 'rungate', 'forget-member', memberId, '--reference', 'DSR-1', '--yes', '--json']
      return JSON.parse((await runCli(args, environment)).stdout)
    }
    expect(await forget()).toMatchObject({
      member_id: memberId,
      key_destroyed: true,
      plain_text_events: 0,
      changed: true,
    })
    expect(await forget()).toMatchObject({ key_destroyed: false, changed: false })
    await eventually(async () => {
      expect(await rowOf(memberId)).toMatchObject({ status: 'removed', email: null, display_name: null })
      expect(await mailbox(email)).toStrictEqual({ data: [], total: 0 })
      expect((await fetch(`${stack.url}/rungate/api/account`, { headers: { cookie } })).status).toBe(401)
    })
    expect(await membersOf(accountId)).toStrictEqual([])
    expect((await signIn()).isNewUser).toBe(true)
  })
})

async function rowOf(memberId: string) {
  const { rows } = await sql`SELECT * FROM rungate_members WHERE member_id = ${memberId}::uuid`.execute(db)
  return rows[0]
}
