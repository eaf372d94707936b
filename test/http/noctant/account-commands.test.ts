import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programAccountIdOf } from '../../../src/commands/noctant/account.ts'
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
  await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
})
afterAll(() => api.stop())

let accounts = 0
async function openAccount(): Promise<string> {
  const id = `account-${++accounts}`
  await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest(id) })
  return id
}
const setStatus = (id: string, body: object, key = acme.key) =>
  api.call('PATCH', `/v1/accounts/by-external-id/status?external_account_id=${id}`, {
    key,
    body: { idempotency_key: randomUUID(), ...body },
  })
const closeAll = (id: string, body: object = {}, key = acme.key) =>
  api.call('POST', `/v1/accounts/by-external-id/close-all?external_account_id=${id}`, {
    key,
    body: { idempotency_key: randomUUID(), ...body },
  })
const commandStatus = (id: string, commandId: string, key = acme.key) =>
  api.call('GET', `/v1/accounts/by-external-id/commands/${commandId}?external_account_id=${id}`, { key })
/** The engine's orders after the one that opened the account. */
async function engineOrders(id: string) {
  const events = await eventsOf(api.store, `noctant.account-${programAccountIdOf(acme.operatorId, id)}`)
  return events
    .filter(({ type }) => type === 'noctant.EngineCommandRequested.v1')
    .slice(1)
    .map(({ data }) => data)
}

describe('updateAccountStatus', () => {
  it('answers a change with 202, the account as it is now and the command on its way to the engine', async () => {
    const id = await openAccount()
    const answer = await setStatus(id, { status: 'disabled', force_close_positions: true, reason: 'breach' })
    expect(answer.status).toBe(202)
    expect(answer.body).toMatchObject({ changed: true, account: { sponsorship_status: 'disabled' } })
    expect(await engineOrders(id)).toMatchObject([
      {
        commandId: answer.body.command_id,
        order: { kind: 'disable_account', forceClosePositions: true, reason: 'breach' },
      },
    ])
    const { body } = await commandStatus(id, answer.body.command_id)
    expect(body.command).toMatchObject({ status: 'outbox_pending', external_account_id: id })
  })

  it('answers 200 without a command where the account has that status already', async () => {
    const id = await openAccount()
    const answer = await setStatus(id, { status: 'active' })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ changed: false, command_id: null })
    expect(await engineOrders(id)).toStrictEqual([])
  })

  it('answers a repeated key as it did first, though the account has moved on, and does nothing', async () => {
    const id = await openAccount()
    const body = { status: 'disabled', idempotency_key: 'once' }
    const first = await setStatus(id, body)
    await setStatus(id, { status: 'active' })
    const second = await setStatus(id, { ...body, force_close_positions: false, reason: null })
    expect(second.status).toBe(202)
    expect(second.body).toStrictEqual(first.body)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(await engineOrders(id)).toHaveLength(2)
  })

  it('answers a repeated key that changed nothing as it did first', async () => {
    const id = await openAccount()
    const body = { status: 'active', idempotency_key: 'kept' }
    const first = await setStatus(id, body)
    await setStatus(id, { status: 'disabled' })
    const second = await setStatus(id, body)
    expect([second.status, second.body]).toStrictEqual([200, first.body])
  })

  it('answers 409 to a key that comes with another request', async () => {
    const id = await openAccount()
    await setStatus(id, { status: 'disabled', idempotency_key: 'mine' })
    const answer = await setStatus(id, { status: 'active', idempotency_key: 'mine' })
    expect([answer.status, answer.body.code]).toStrictEqual([409, 'idempotency_key_reused'])
    expect(await engineOrders(id)).toHaveLength(1)
  })

  it('takes one key for two accounts as two requests', async () => {
    const [a, b] = [await openAccount(), await openAccount()]
    const answers = [a, b].map((id) => setStatus(id, { status: 'disabled', idempotency_key: 'both' }))
    const ids = (await Promise.all(answers)).map(({ body }) => body.command_id)
    expect(new Set(ids).size).toBe(2)
  })

  it('sent a hundred times at once under one key is carried out once', async () => {
    const id = await openAccount()
    const body = { status: 'disabled', idempotency_key: 'crowd' }
    const answers = await Promise.all(Array.from({ length: 100 }, () => setStatus(id, body)))
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(99)
    expect(await engineOrders(id)).toHaveLength(1)
  })

  it.each([
    ['a status that cannot be set', { status: 'closed' }, '/status'],
    ['a status that there is not', { status: 'asleep' }, '/status'],
    ['no status', {}, '/status'],
    ['an empty key', { status: 'disabled', idempotency_key: '' }, '/idempotency_key'],
    ['a key of 256 characters', { status: 'disabled', idempotency_key: 'k'.repeat(256) }, '/idempotency_key'],
    ['a key with a space', { status: 'disabled', idempotency_key: 'a b' }, '/idempotency_key'],
    ['no key', { status: 'disabled', idempotency_key: undefined }, '/idempotency_key'],
    ['a reason of 501 characters', { status: 'disabled', reason: 'x'.repeat(501) }, '/reason'],
    ['a request id that is no UUID', { status: 'disabled', request_id: '7' }, '/request_id'],
    ['a flag in words', { status: 'disabled', force_close_positions: 'yes' }, '/force_close_positions'],
  ])('refuses %s with 400, names the field and does nothing', async (_, body, pointer) => {
    const id = await openAccount()
    const answer = await setStatus(id, body)
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ pointer }])
    expect(await engineOrders(id)).toStrictEqual([])
  })

  it('answers 404 for another operator’s account, and leaves it alone', async () => {
    const id = await openAccount()
    const answers = [
      await setStatus(id, { status: 'disabled' }, other.key),
      await setStatus('never', { status: 'disabled' }, other.key),
      await closeAll(id, {}, other.key),
    ]
    expect(answers.map(({ status, body }) => [status, body.code])).toStrictEqual(
      Array(3).fill([404, 'account_not_found']),
    )
    expect(await engineOrders(id)).toStrictEqual([])
  })
})

describe('closeAllPositions', () => {
  it('answers 202 with a command that can be followed, on a disabled account too', async () => {
    const id = await openAccount()
    await setStatus(id, { status: 'disabled' })
    const requestId = randomUUID()
    const answer = await closeAll(id, { reason: 'end of day', request_id: requestId })
    expect(answer.status).toBe(202)
    const { body } = await commandStatus(id, answer.body.command_id)
    expect(body.command).toMatchObject({ command_id: answer.body.command_id, command_type: 'close_all' })
    const events = await eventsOf(api.store, `noctant.account-${programAccountIdOf(acme.operatorId, id)}`)
    expect(events.at(-1)?.metadata.$correlationId).toBe(requestId)
  })

  it('answers a repeated key with the same command, whatever request id the repeat carries', async () => {
    const id = await openAccount()
    const first = await closeAll(id, { idempotency_key: 'k', request_id: randomUUID() })
    const second = await closeAll(id, { idempotency_key: 'k', request_id: randomUUID() })
    expect(second.body).toStrictEqual(first.body)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(await engineOrders(id)).toHaveLength(1)
  })

  it('with different reasons racing under one key lets one win and answers 409 to the others', async () => {
    const id = await openAccount()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => closeAll(id, { idempotency_key: 'race', reason: `reason ${n}` })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toStrictEqual([202, ...Array(19).fill(409)])
    expect(await engineOrders(id)).toHaveLength(1)
  })
})

describe('two API processes', () => {
  const both = (id: string, bodyOf: (n: number) => object) =>
    Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        (n % 2 ? api.call : api.callSecond)('POST', `/v1/accounts/by-external-id/close-all?external_account_id=${id}`, {
          key: acme.key,
          body: bodyOf(n),
        }),
      ),
    )

  it('carry out what both are sent under one key once, and answer alike', async () => {
    const id = await openAccount()
    const answers = await both(id, () => ({ idempotency_key: 'shared' }))
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1)
    expect(answers[0]?.status).toBe(202)
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(39)
    expect(await engineOrders(id)).toHaveLength(1)
  })

  it('let one request win where they are sent different ones under one key', async () => {
    const id = await openAccount()
    const answers = await both(id, (n) => ({ idempotency_key: 'contested', reason: `reason ${n}` }))
    expect(answers.map(({ status }) => status).toSorted()).toStrictEqual([202, ...Array(39).fill(409)])
    expect(await engineOrders(id)).toHaveLength(1)
  })
})

describe('getAccountCommandStatus', () => {
  it('answers unknown for a command of which nothing is known', async () => {
    const id = await openAccount()
    const commandId = randomUUID()
    const { status, body } = await commandStatus(id, commandId)
    expect(status).toBe(200)
    expect(body.command).toMatchObject({ command_id: commandId, status: 'unknown', external_account_id: id })
  })

  it('does not tell of another account’s command', async () => {
    const [a, b] = [await openAccount(), await openAccount()]
    const { body } = await closeAll(a)
    expect((await commandStatus(b, body.command_id)).body.command.status).toBe('unknown')
    expect((await commandStatus(a, body.command_id)).body.command.status).toBe('outbox_pending')
  })

  it('refuses an id that is no UUID with 400', async () => {
    const answer = await commandStatus(await openAccount(), 'nonsense')
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ pointer: 'path/command_id' }])
  })
})
