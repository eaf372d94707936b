/**
 * Ids and fingerprints outlive a person's key, so they must not be hashes of what is personal: whoever has the log could
 * try texts until one fits.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fingerprintOf } from '../../../src/commands/identity.ts'
import { programAccountIdOf } from '../../../src/commands/noctant/account.ts'
import { globalUserIdOf } from '../../../src/commands/noctant/user.ts'
import { withDigests } from '../../../src/http/noctant/request-digests.ts'
import { camel } from '../../../src/runtime/letter-case.ts'
import { type Api, startApi } from '../api.ts'
import { accountRequest, type TestOperator } from './serving.ts'

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
    const { operatorId, orgId } = acme
    const [globalUserId, name] = [await newUser(), randomUUID()]
    const body = accountRequest(name, { external_user_id: null, global_user_id: globalUserId, account_name: 'Jane’s' })
    expect((await api.call('POST', '/v1/accounts', { key: acme.key, body })).status).toBe(201)
    const { externalUserId: _, ...sent } = camel({ ...body, account_name: 'Jane’s' })
    const facts = { ...sent, operatorId, orgId, globalUserId, productId: null, currency: 'USD' }
    const scope = programAccountIdOf(operatorId, name)
    const hashOf = (request: object) => fingerprintOf({ action: 'createAccount', scope, request })
    const digested = await withDigests({ bus: api.bus, personKeys: api.keys }, facts, ['accountName'])
    const events = await Array.fromAsync(api.rawLog.readStream(`noctant.account-${scope}`))
    const text = events.map(({ metadata }) => Buffer.from(metadata).toString()).join()
    expect([text.includes(hashOf(digested)), text.includes(hashOf(facts))]).toStrictEqual([true, false])
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
