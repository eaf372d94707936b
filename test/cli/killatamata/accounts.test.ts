/** `opslog killatamata`: who may review, whose a payment is that nobody has opened, what an account has, and forgetting one. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { type Stack, startStack } from '../../support/stack.ts'

let stack: Stack
let environment: Record<string, string>
let sandbox: { standins: string; account: { account_id: string; api_key: string; email: string } }
beforeAll(async () => {
  stack = await startStack({ environment: { SANDBOX_OPERATOR: 'on', KILLATAMATA_SANDBOX: 'on' } })
  const DATA_DIR = dirname(stack.logFile)
  environment = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR }
  sandbox = JSON.parse(readFileSync(join(DATA_DIR, 'sandbox-killatamata.json'), 'utf8'))
}, 60_000)
afterAll(() => stack.close())

const run = (...args: string[]) => runCli(['killatamata', ...args, '--json'], environment)
const json = async (...args: string[]) => JSON.parse((await run(...args)).stdout)
const known = { timeout: 10_000, interval: 50 }
const order = async (path: string, body: object) =>
  (await (await fetch(`${sandbox.standins}${path}`, { method: 'POST', body: JSON.stringify(body) })).json()) as {
    charge: { id: string }
  }

it('credits a payment that nobody here has opened to the account that it belongs to, once', async () => {
  const { account_id: accountId } = sandbox.account
  // Bought elsewhere with the same provider.
  const access = JSON.parse(readFileSync(join(environment.DATA_DIR ?? '', 'killatamata', 'stand-ins.json'), 'utf8'))
  const made = await fetch(`${sandbox.standins}/coinbase/charges`, {
    method: 'POST',
    headers: { 'x-cc-api-key': access.coinbase.apiKey },
    body: JSON.stringify({ name: 'elsewhere', local_price: { amount: '7.00', currency: 'USD' } }),
  })
  const { data } = (await made.json()) as { data: { id: string } }
  await order(`/control/coinbase/charges/${data.id}/confirm`, {})
  await vi.waitFor(async () => {
    const listed = await json('settlements', 'list', '--unmatched')
    expect(listed).toMatchObject([{ provider: 'coinbase', provider_id: data.id, usd_cents: '700', account_id: null }])
  }, known)
  const credit = () =>
    json('settlements', 'credit', 'coinbase', data.id, '--account', accountId, '--reason', 'ticket 12')
  expect(await credit()).toMatchObject({ account_id: accountId, usd_cents: '700' })
  expect(await credit()).toMatchObject({ account_id: accountId, usd_cents: '700' })
  await vi.waitFor(async () => {
    const balance = await json('balance', accountId)
    expect(balance).toMatchObject({ account_id: accountId, available_micros: '7000000', held_micros: '0', holds: [] })
    expect(balance.postings).toHaveLength(2)
  }, known)
})

it('grants and takes the mark of those who may review', async () => {
  const { account_id: accountId } = sandbox.account
  expect(await json('admin', 'grant', accountId)).toMatchObject({ isAdmin: true })
  expect(await json('admin', 'revoke', accountId)).toMatchObject({ isAdmin: false })
  expect((await run('admin', 'grant', 'acct_none')).exitCode).toBe(1)
})

it('forgets an account: its keys work no more, its money stays', async () => {
  const { account_id: accountId, api_key: key } = sandbox.account
  expect((await run('forget', accountId)).exitCode).toBe(2)
  expect(await json('forget', accountId, '--reference', 'DSR-7', '--yes')).toMatchObject({ key_destroyed: true })
  const ask = () => fetch(`${stack.url}/killatamata/api/v1/balance`, { headers: { authorization: `Bearer ${key}` } })
  await vi.waitFor(async () => expect((await ask()).status).toBe(401), known)
  expect(await json('balance', accountId)).toMatchObject({ available_micros: '7000000' })
  expect((await run('forget', `acct_${'0'.repeat(26)}`, '--yes', '--reference', randomUUID())).exitCode).toBe(1)
})
