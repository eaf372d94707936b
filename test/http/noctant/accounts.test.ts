import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { account, programAccountIdOf } from '../../../src/commands/noctant/account.ts'
import { viewOf as accountView } from '../../../src/http/noctant/accounts/account-view.ts'
import { findAccount } from '../../../src/projections/noctant/account.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Api, startApi } from '../api.ts'
import { accountRequest, type TestOperator } from './serving.ts'

let api: Api
let acme: TestOperator
let other: TestOperator
beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  other = await api.addOperator()
  for (const { key } of [acme, other]) await api.call('POST', '/v1/users', { key, body: { external_id: 'trader-1' } })
})
afterAll(() => api.stop())

const open = (id: string, overrides: Record<string, unknown> = {}, key = acme.key) =>
  api.call('POST', '/v1/accounts', { key, body: accountRequest(id, overrides) })
const read = (id: string, key = acme.key) =>
  api.call('GET', `/v1/accounts/by-external-id?external_account_id=${encodeURIComponent(id)}`, { key })
const accountEvents = async (id: string, operatorId = acme.operatorId) =>
  (await eventsOf(api.store, `noctant.account-${programAccountIdOf(operatorId, id)}`)).map(({ type }) => type)
const opened = ['noctant.AccountOpened.v1', 'noctant.EngineCommandRequested.v1']

describe('createAccount', () => {
  it('answers 201 with the account, which can be read at once', async () => {
    const answer = await open('a-1', { account_name: 'First' })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      created: true,
      account: { external_account_id: 'a-1', currency: 'USD', account_name: 'First', sponsorship_status: 'active' },
    })
    expect((await read('a-1')).body.account).toStrictEqual(answer.body.account)
    expect(await accountEvents('a-1')).toStrictEqual(opened)
  })

  it('answers a repeat with the account as it stands by now', async () => {
    const first = await open('a-2')
    const change = { status: 'disabled', idempotency_key: 'k' }
    await api.call('PATCH', '/v1/accounts/by-external-id/status?external_account_id=a-2', {
      key: acme.key,
      body: change,
    })
    const second = await open('a-2')
    expect(second.status).toBe(200)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    const { body: now } = await read('a-2')
    expect(now.account.sponsorship_status).toBe('disabled')
    expect(second.body).toStrictEqual({ account: now.account, created: false })
    expect(await accountEvents('a-2')).toHaveLength(4)
  })

  it('takes the same facts in another spelling for the same request', async () => {
    const { body: user } = await api.call('GET', '/v1/users?external_id=trader-1', { key: acme.key })
    await open('a-3', { initial_balance: '100000', currency: 'usd' })
    const raw = JSON.stringify(
      accountRequest('a-3', { currency: 'USD', external_user_id: null, global_user_id: user.global_user_id }),
    )
    const spellings = ['100000.00', '1e5', '"100000.0"', '"1E5"']
    for (const balance of spellings) {
      const answer = await api.call('POST', '/v1/accounts', {
        key: acme.key,
        raw: raw.replace('"initial_balance":"100000"', `"initial_balance":${balance}`),
      })
      expect([balance, answer.status]).toStrictEqual([balance, 200])
    }
  })

  it.each([
    ['balance', { initial_balance: '100001' }],
    ['currency', { currency: 'EUR' }],
    ['name', { account_name: 'Other' }],
    ['flag', { claim_allowed: true }],
    ['product', { product_id: '3f0a4a3e-7f3f-4d2f-9f0e-0b1c2d3e4f50' }],
  ])('answers 409 where the same id comes with another %s', async (_, overrides) => {
    await open('a-4')
    const answer = await open('a-4', overrides)
    expect(answer.status).toBe(409)
    expect(answer.body.code).toBe('account_facts_differ')
    expect(await accountEvents('a-4')).toStrictEqual(opened)
  })

  it.each([
    ['neither user id', { external_user_id: null }, '/external_user_id'],
    ['both user ids', { global_user_id: randomUUID() }, '/external_user_id'],
    ['a currency that does not exist', { currency: 'XQZ' }, '/currency'],
    ['a currency that the engine does not trade', { currency: 'KRW' }, '/currency'],
    ['another such currency, in small letters', { currency: 'sek' }, '/currency'],
    ['a balance of nothing', { initial_balance: '0' }, '/initial_balance'],
    ['a negative balance', { initial_balance: '-1' }, '/initial_balance'],
    ['three decimals of a dollar', { initial_balance: '1.001' }, '/initial_balance'],
    ['a balance in words', { initial_balance: 'plenty' }, '/initial_balance'],
    ['a negative exponent', { initial_balance: '1e-2' }, '/initial_balance'],
    ['an exponent beyond all measure', { initial_balance: '1e999999999' }, '/initial_balance'],
    ['an unknown provider', { provider_type: 'bank' }, '/provider_type'],
    ['a flag that is text', { claim_allowed: 'no' }, '/claim_allowed'],
    ['no profile', { execution_profile_key: '' }, '/execution_profile_key'],
    ['a name of 201 characters', { account_name: 'x'.repeat(201) }, '/account_name'],
    ['an empty id', { external_account_id: '' }, '/external_account_id'],
    ['a product that is no UUID', { product_id: 'gold' }, '/product_id'],
  ])('refuses %s with 400, names the field and writes nothing', async (_, overrides, pointer) => {
    const answer = await open('bad', overrides)
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ pointer }])
    expect(await accountEvents('bad')).toStrictEqual([])
  })

  it('takes an amount that no double holds from its source text: exact or refused, never rounded', async () => {
    const raw = (id: string, amount: string) =>
      JSON.stringify(accountRequest(id)).replace('"initial_balance":"100000"', `"initial_balance":${amount}`)
    const send = (id: string, amount: string) =>
      api.call('POST', '/v1/accounts', { key: acme.key, raw: raw(id, amount) })
    expect((await send('big-1', '9007199254740993')).status).toBe(400)
    expect((await send('big-2', '"9007199254740993"')).status).toBe(400)
    expect((await send('big-3', '123456789012.34')).status).toBe(201)
    expect((await send('big-4', '100000.000000000000000001')).status).toBe(400)
    const summary = await api.call('GET', '/v1/accounts/by-external-id/summary?external_account_id=big-3', {
      key: acme.key,
    })
    expect(summary.body.summary.balance).toBe('123456789012.34')
  })

  it.each([
    ['an unknown user', { external_user_id: 'nobody' }, 'user_not_found'],
    ['a product that the operator does not have', { product_id: randomUUID() }, 'product_not_found'],
  ])('answers 404 for %s', async (_, overrides, code) => {
    const answer = await open('a-5', overrides)
    expect([answer.status, answer.body.code]).toStrictEqual([404, code])
    expect(await accountEvents('a-5')).toStrictEqual([])
  })

  it('answers 404 for another operator’s user', async () => {
    const { body: user } = await api.call('GET', '/v1/users?external_id=trader-1', { key: other.key })
    const answer = await open('a-6', { external_user_id: null, global_user_id: user.global_user_id })
    expect([answer.status, answer.body.code]).toStrictEqual([404, 'user_not_found'])
  })

  it('sent a hundred times at once opens one account and gives the same account to all', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => open('crowd')))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(99)
    expect(new Set(answers.map(({ body }) => JSON.stringify(body.account))).size).toBe(1)
    expect(await accountEvents('crowd')).toStrictEqual(opened)
  })

  it('with different bodies racing under one id lets one win and answers 409 to the others', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => open('race', { initial_balance: `${n + 1}` })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toStrictEqual([201, ...Array(19).fill(409)])
    expect(await accountEvents('race')).toStrictEqual(opened)
  })

  it('gives two operators an account each under the same id', async () => {
    const mine = await open('shared')
    const theirs = await open('shared', {}, other.key)
    expect(theirs.status).toBe(201)
    expect(theirs.body.account.account_id).not.toBe(mine.body.account.account_id)
  })

  it('shows the account as the read model does', async () => {
    await open('same')
    const state = await api.bus.load(account, programAccountIdOf(acme.operatorId, 'same'))
    expect(accountView(state)).toStrictEqual(await findAccount(api.db, acme.operatorId, 'same'))
  })
})

describe('an account', () => {
  it.each([
    '/v1/accounts/by-external-id?',
    '/v1/accounts/by-external-id/summary?',
    '/v1/accounts/by-external-id/positions?',
    '/v1/accounts/by-external-id/orders?',
    '/v1/accounts/by-external-id/trades?',
    `/v1/accounts/by-external-id/commands/${randomUUID()}?`,
  ])('of another operator is absent from %s', async (path) => {
    await open('mine')
    const [theirs, never, own] = [
      await api.call('GET', `${path}external_account_id=mine`, { key: other.key }),
      await api.call('GET', `${path}external_account_id=never`, { key: other.key }),
      await api.call('GET', `${path}external_account_id=mine`, { key: acme.key }),
    ]
    expect(own.status).toBe(200)
    expect([theirs.status, theirs.body.code]).toStrictEqual([404, 'account_not_found'])
    expect(theirs.body.detail).toBe(never.body.detail)
    const unnamed = await api.call('GET', path, { key: acme.key })
    expect(unnamed.status).toBe(400)
    expect(unnamed.body.errors).toMatchObject([{ pointer: 'query/external_account_id' }])
  })
})

describe('listAccounts', () => {
  it('pages through all accounts, newest first, unmoved by accounts that come meanwhile', async () => {
    const lister = await api.addOperator()
    await api.call('POST', '/v1/users', { key: lister.key, body: { external_id: 'trader-1' } })
    for (let n = 1; n <= 5; n++) await open(`l-${n}`, {}, lister.key)
    const seen: string[] = []
    let cursor = ''
    for (let page = 0; page < 4; page++) {
      const { body } = await api.call('GET', `/v1/accounts?limit=2${cursor}`, { key: lister.key })
      seen.push(...body.accounts.map((each: { external_account_id: string }) => each.external_account_id))
      expect(body.count).toBe(body.accounts.length)
      if (body.next_cursor === null) break
      await open(`late-${page}`, {}, lister.key)
      cursor = `&${new URLSearchParams(body.next_cursor)}`
    }
    expect(seen).toStrictEqual(['l-5', 'l-4', 'l-3', 'l-2', 'l-1'])
  })

  it('never shows another operator’s accounts, whatever the cursor', async () => {
    const stranger = await api.addOperator()
    const { body } = await api.call('GET', '/v1/accounts?limit=1', { key: acme.key })
    const cursor = new URLSearchParams({
      before_created_at: '2100-01-01T00:00:00Z',
      before_program_account_id: body.accounts[0].program_account_id,
    })
    const answer = await api.call('GET', `/v1/accounts?${cursor}`, { key: stranger.key })
    expect(answer.body).toStrictEqual({ accounts: [], count: 0, next_cursor: null })
  })

  it.each([
    ['limit=0', 'query/limit'],
    ['limit=201', 'query/limit'],
    ['limit=-1', 'query/limit'],
    ['limit=1.5', 'query/limit'],
    ['limit=', 'query/limit'],
    ['limit=ten', 'query/limit'],
    ['limit=1&limit=2', 'query/limit'],
    [`before_program_account_id=${randomUUID()}`, 'query/before_created_at'],
    ['before_created_at=2026-01-01T00:00:00Z', 'query/before_program_account_id'],
    [`before_created_at=yesterday&before_program_account_id=${randomUUID()}`, 'query/before_created_at'],
    [`before_created_at=0000-01-01T00:00:00Z&before_program_account_id=${randomUUID()}`, 'query/before_created_at'],
    ['before_created_at=2026-01-01T00:00:00Z&before_program_account_id=x', 'query/before_program_account_id'],
  ])('refuses %s with 400', async (query, pointer) => {
    const answer = await api.call('GET', `/v1/accounts?${query}`, { key: acme.key })
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ pointer }])
  })

  it.each(['1', '200'])('takes a limit of %s', async (limit) => {
    expect((await api.call('GET', `/v1/accounts?limit=${limit}`, { key: acme.key })).status).toBe(200)
  })
})
