/** `opslog killatamata`: who may review, whose a payment is that nobody has opened, what an account has, and forgetting one. */
import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { readSandbox, type SandboxFile } from '../../http/killatamata/sandbox.ts'
import { runCli } from '../../support/cli.ts'
import { type Stack, startStack } from '../../support/stack.ts'

let stack: Stack
let environment: Record<string, string>
let sandbox: SandboxFile
beforeAll(async () => {
  stack = await startStack({ environment: { SANDBOX_OPERATOR: 'on', KILLATAMATA_SANDBOX: 'on' } })
  const DATA_DIR = dirname(stack.logFile)
  environment = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR }
  sandbox = readSandbox(DATA_DIR)
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
    const paid = { paid_cents: '700', paid_currency: 'usd' }
    expect(listed).toMatchObject([{ provider: 'coinbase', provider_id: data.id, ...paid, account_id: null }])
  }, known)
  const credit = () =>
    json('settlements', 'credit', 'coinbase', data.id, '--account', accountId, '--reason', 'ticket 12')
  expect(await credit()).toMatchObject({ account_id: accountId, usd_cents: '700' })
  expect(await credit()).toMatchObject({ account_id: accountId, usd_cents: '700' })
  const [other, why] = [sandbox.other_account.account_id, 'ticket 13']
  const again = await run('settlements', 'credit', 'coinbase', data.id, '--account', other, '--reason', why)
  expect(again.exitCode).toBe(1)
  expect(JSON.parse(again.stderr).error.message).toContain(accountId)
  await vi.waitFor(async () => {
    const balance = await json('balance', accountId)
    expect(balance).toMatchObject({ account_id: accountId, available_micros: '7000000', held_micros: '0', holds: [] })
    expect(balance.postings).toHaveLength(2)
  }, known)
})

it('shows what was paid where it is not what was sold', async () => {
  const { url, stripe, account } = sandbox
  const opened = await fetch(`${url}/api/v1/checkout/stripe`, {
    method: 'POST',
    headers: { authorization: `Bearer ${account.api_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ packageCode: 'builder_2000' }),
  })
  const { sessionId } = (await opened.json()) as { sessionId: string }
  const session = { id: sessionId, object: 'checkout.session', status: 'complete', payment_status: 'paid' }
  const object = { ...session, amount_total: 1_999, currency: 'eur', payment_intent: 'pi_short', expires_at: 1 }
  const event = { id: 'evt_short', object: 'event', type: 'checkout.session.completed', data: { object } }
  const body = JSON.stringify(event)
  const signedS = Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', stripe.webhook_secret).update(`${signedS}.${body}`).digest('hex')
  const headers = { 'stripe-signature': `t=${signedS},v1=${signature}` }
  expect((await fetch(`${url}/api/v1/webhooks/stripe`, { method: 'POST', body, headers })).status).toBe(200)
  await vi.waitFor(async () => {
    const paid = { paid_cents: '1999', paid_currency: 'eur' }
    const of = { provider_id: sessionId, usd_cents: '2000', account_id: account.account_id }
    expect(await json('settlements', 'list', '--mismatched')).toMatchObject([{ ...of, ...paid }])
  }, known)
  const { stdout } = await runCli(['killatamata', 'settlements', 'list', '--mismatched'], environment)
  expect(stdout).toContain('19.990000 eur')
  expect(stdout).toContain('20.000000')
})

it('grants and takes the mark of those who may review', async () => {
  const { account_id: accountId } = sandbox.account
  expect(await json('admin', 'grant', accountId)).toMatchObject({ account_id: accountId, is_admin: true })
  expect(await json('admin', 'revoke', accountId)).toMatchObject({ account_id: accountId, is_admin: false })
  expect((await run('admin', 'grant', 'acct_none')).exitCode).toBe(1)
})

it('takes a beginning of an id, and names the candidates where it begins several', async () => {
  const { account, other_account: other } = sandbox
  const beginning = account.account_id.slice(0, -2)
  expect(await json('balance', beginning)).toMatchObject({ account_id: account.account_id })
  expect(await json('admin', 'revoke', beginning)).toMatchObject({ account_id: account.account_id })
  // Ids begin with the time: both were made in one moment.
  const several = await run('balance', account.account_id.slice(0, 'acct_'.length + 4))
  expect(several.exitCode).toBe(1)
  expect(several.stderr).toContain(account.account_id)
  expect(several.stderr).toContain(other.account_id)
  const apply = await fetch(`${stack.url}/killatamata/api/v1/affiliates/me/apply`, {
    method: 'POST',
    headers: { authorization: `Bearer ${account.api_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ displayName: 'Acme', contactEmail: 'acme@example.com' }),
  })
  const { affiliate } = (await apply.json()) as { affiliate: { affiliateId: string } }
  const approved = await json('affiliate', 'approve', affiliate.affiliateId.slice(0, -2))
  expect(approved).toMatchObject({ affiliate_id: affiliate.affiliateId, status: 'active' })
  expect((await run('payout', 'pay', 'prq_01KJPV4G', '--reference', 'wire 7')).exitCode).toBe(1)
})

it('decides a payout request once, and says how it was decided to whoever decides it otherwise', async () => {
  const { url, account, other_account: referrer } = sandbox
  const ask = async (method: string, path: string, key: string, body?: object) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const answer = await fetch(`${url}/api/v1/${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    return (await answer.json()) as Record<string, Record<string, string>> & { code: string }
  }
  const application = { displayName: 'Ben', contactEmail: 'ben@example.com', payoutAddress: 'ben@pay.example' }
  await ask('POST', 'affiliates/me/apply', referrer.api_key, application)
  const { code } = await ask('GET', 'affiliates/me/code', referrer.api_key)
  await ask('POST', 'affiliates/me/bind-code', account.api_key, { code })
  const opened = await ask('POST', 'checkout/stripe', account.api_key, { packageCode: 'builder_2000' })
  await order(`/control/stripe/sessions/${opened.sessionId}/pay`, {})
  const payoutRequestId = await vi.waitFor(async () => {
    const { payoutRequest } = await ask('POST', 'affiliates/me/payout-requests', referrer.api_key, {})
    expect(payoutRequest).toMatchObject({ amountUsdMicros: 2_000_000 })
    return payoutRequest?.payoutRequestId ?? ''
  }, known)
  await vi.waitFor(
    async () =>
      expect(await json('payout', 'list')).toStrictEqual([
        {
          ...{ payout_request_id: payoutRequestId, affiliate_id: expect.stringMatching(/^aff_/), note: null },
          ...{ account_id: referrer.account_id, usd_micros: '2000000', payout_address: 'ben@pay.example' },
          created_at: expect.any(String),
        },
      ]),
    known,
  )
  const pay = (reference: string) => run('payout', 'pay', payoutRequestId, '--reference', reference)
  const paid = { payout_request_id: payoutRequestId, account_id: referrer.account_id, usd_micros: '2000000' }
  expect(JSON.parse((await pay('wire 7')).stdout)).toMatchObject({ ...paid, status: 'paid', changed: true })
  expect(JSON.parse((await pay('wire 7')).stdout)).toMatchObject({ ...paid, status: 'paid', changed: false })
  for (const refused of [await pay('wire 8'), await run('payout', 'reject', payoutRequestId, '--reason', 'no')]) {
    expect(refused.exitCode).toBe(1)
    const { code: why, message } = JSON.parse(refused.stderr).error
    expect([why, message]).toStrictEqual(['payout_request_decided', expect.stringContaining('wire 7')])
  }
})

it('forgets an account: its keys work no more, its money stays', async () => {
  const { account_id: accountId, api_key: key } = sandbox.account
  expect((await run('forget', accountId)).exitCode).toBe(2)
  expect(await json('forget', accountId, '--reference', 'DSR-7', '--yes')).toMatchObject({ key_destroyed: true })
  const ask = () => fetch(`${stack.url}/killatamata/api/v1/balance`, { headers: { authorization: `Bearer ${key}` } })
  await vi.waitFor(async () => expect((await ask()).status).toBe(401), known)
  expect(await json('balance', accountId)).toMatchObject({ available_micros: '27000000' })
  expect((await run('forget', `acct_${'0'.repeat(26)}`, '--yes', '--reference', randomUUID())).exitCode).toBe(1)
})
