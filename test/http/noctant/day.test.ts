import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { accountRequest } from './serving.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.close())

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds.
type Answer = { status: number; body: any }

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${stack.url}/noctant${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}

async function order(accountId: string): Promise<Answer> {
  const response = await fetch(`${stack.engine.url}/orders`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.engine.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ accountId, symbol: 'EURUSD', side: 'buy', orderType: 'market', quantity: '0.10' }),
  })
  return { status: response.status, body: await response.json() }
}

const of = (what: string) => `/v1/accounts/by-external-id/${what}?external_account_id=day`
const write = (method: string, what: string, body: object = {}) =>
  call(method, of(what), { idempotency_key: randomUUID(), ...body })

async function confirmed(commandId: string) {
  return eventually(async () => {
    const { body } = await call('GET', of(`commands/${commandId}`))
    expect(body.command).toMatchObject({ status: 'engine_wal_confirmed', engine_command_outcome: expect.any(String) })
    return body.command
  }, 15_000)
}

it('an account is opened, traded, closed out and disabled, and each step can be followed to the engine', async () => {
  await call('POST', '/v1/users', { external_id: 'trader-1' })
  const opened = await call('POST', '/v1/accounts', accountRequest('day'))
  expect(opened.status).toBe(201)
  const { account_id: accountId } = opened.body.account
  await eventually(async () => expect((await call('GET', of('summary'))).body.summary.trading_status).toBe('active'))

  expect((await order(accountId)).status).toBeLessThan(300)
  await eventually(async () => expect((await call('GET', of('positions'))).body.count).toBe(1))
  const orders = await call('GET', of('orders'))
  expect(orders.body.orders[0]).toMatchObject({ symbol: 'EURUSD', status: 'filled', filled_quantity: '0.1' })

  const closing = await write('POST', 'close-all')
  expect(closing.status).toBe(202)
  expect(await confirmed(closing.body.command_id)).toMatchObject({
    command_type: 'close_all',
    engine_command_outcome: 'accepted',
  })
  await eventually(async () => expect((await call('GET', of('trades'))).body.count).toBe(1))
  expect((await call('GET', of('positions'))).body.count).toBe(0)

  const nothingLeft = await write('POST', 'close-all')
  expect(await confirmed(nothingLeft.body.command_id)).toMatchObject({ engine_command_outcome: 'ignored' })

  const disabled = await write('PATCH', 'status', { status: 'disabled' })
  expect(disabled.status).toBe(202)
  expect(await confirmed(disabled.body.command_id)).toMatchObject({ engine_command_outcome: 'accepted' })
  await eventually(async () => expect((await call('GET', of('summary'))).body.summary.trading_status).toBe('disabled'))
  await order(accountId)
  await eventually(async () => {
    const { body } = await call('GET', `${of('orders')}&status=rejected`)
    expect(body.orders).toMatchObject([{ symbol: 'EURUSD', filled_quantity: '0' }])
  })
}, 60_000)
