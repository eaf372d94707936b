/**
 * Ids and fingerprints outlive a person's key, so they must not be hashes of what is personal: whoever has the log could
 * try texts until one fits.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandIdOf, fingerprintOf } from '../../../src/commands/identity.ts'
import { programAccountIdOf } from '../../../src/commands/noctant/account.ts'
import { kycIdOf } from '../../../src/commands/noctant/kyc.ts'
import { globalUserIdOf } from '../../../src/commands/noctant/user.ts'
import { withDigests } from '../../../src/http/noctant/request-digests.ts'
import { type Api, accountRequest, startApi, type TestOperator } from '../api.ts'

let api: Api
let acme: TestOperator

beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
})
afterAll(() => api.stop())

async function newUser(): Promise<string> {
  const { body } = await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: randomUUID() } })
  return body.global_user_id
}
const digests = (globalUserId: string, facts: { one: string | null; two: string | null }) =>
  withDigests({ bus: api.bus, personKeys: api.keys }, { globalUserId, ...facts }, ['one', 'two'])

describe('the facts that a command id is made of', () => {
  it('hold digests that are the same for the same text alone, of the same person, in the same field', async () => {
    const [jane, bob] = [await newUser(), await newUser()]
    const first = await digests(jane, { one: 'a', two: 'a' })
    expect(first).toMatchObject({ globalUserId: jane, one: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(first.one).not.toBe(first.two)
    expect(await digests(jane.toUpperCase(), { one: 'a', two: 'b' })).toMatchObject({ one: first.one })
    expect((await digests(jane, { one: 'b', two: null })).one).not.toBe(first.one)
    expect((await digests(bob, { one: 'a', two: null })).one).not.toBe(first.one)
  })

  it('tell nothing apart any more once the person is forgotten', async () => {
    const jane = await newUser()
    await digests(jane, { one: 'a', two: 'b' })
    api.keys.destroy(jane)
    expect(await digests(jane, { one: 'a', two: 'b' })).toMatchObject({ one: '[forgotten]', two: '[forgotten]' })
  })

  it('stay as they are, and make no key, where there is no text or no such user', async () => {
    const [jane, nobody] = [await newUser(), randomUUID()]
    const none = { globalUserId: jane, one: null, two: null }
    expect(await digests(jane, none)).toStrictEqual(none)
    expect(await digests(nobody, { one: 'a', two: null })).toMatchObject({ one: 'a' })
    const keys = await api.keys.find([jane, nobody])
    expect([...keys.values()]).toStrictEqual(['missing', 'missing'])
  })
})

describe('the log', () => {
  it('holds no id and no fingerprint that guessing a person’s text would confirm', async () => {
    const operatorId = acme.operatorId
    const globalUserId = await newUser()
    const at = '2026-03-01T10:00:00.000Z'
    const report = { status: 'pending', reported_at: at, provider_reference: '4711' }
    const path = `/v1/users/${globalUserId}/kyc-status`
    expect((await api.call('POST', path, { key: acme.key, body: report })).status).toBe(200)
    const nothing = { verifiedAt: null, rejectedAt: null, rejectionReason: null, expiresAt: null, providerName: null }
    const facts = { operatorId, globalUserId, status: 'pending', reportedAt: at, ...nothing, providerReference: '4711' }
    const scope = kycIdOf(operatorId, globalUserId)
    const action = 'reportKycStatus'
    const asked = { context: 'noctant', operatorId, environment: 'sandbox', action, scope }
    const plain = [
      commandIdOf({ ...asked, key: fingerprintOf(facts) }),
      fingerprintOf({ action, scope, request: facts }),
    ]
    const digested = await withDigests({ bus: api.bus, personKeys: api.keys }, facts, ['providerReference'])
    const keyed = [
      commandIdOf({ ...asked, key: fingerprintOf(digested) }),
      fingerprintOf({ action, scope, request: digested }),
    ]
    const events = await Array.fromAsync(api.rawLog.readStream(`noctant.kyc-${scope}`))
    const text = events.map(({ metadata }) => Buffer.from(metadata).toString()).join()
    expect(keyed.filter((hash) => text.includes(hash))).toStrictEqual(keyed)
    expect(plain.filter((hash) => text.includes(hash))).toStrictEqual([])
  })

  it('tells two account names apart under one external id, as it does other facts', async () => {
    const external_user_id = randomUUID()
    await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: external_user_id } })
    const open = (account_name: string) =>
      api.call('POST', '/v1/accounts', {
        key: acme.key,
        body: accountRequest(external_user_id, { external_user_id, account_name }),
      })
    expect((await open('Jane’s own')).status).toBe(201)
    expect(await open('Jane’s own')).toMatchObject({ status: 200, body: { created: false } })
    expect(await open('Another’s')).toMatchObject({ status: 409, body: { code: 'account_facts_differ' } })
    const [opened] = await Array.fromAsync(
      api.store.readStream(`noctant.account-${programAccountIdOf(acme.operatorId, external_user_id)}`),
    )
    expect(opened?.data).toMatchObject({
      accountName: 'Jane’s own',
      globalUserId: globalUserIdOf(acme.operatorId, external_user_id),
    })
  })
})
