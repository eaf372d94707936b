/** Affiliates over HTTP: from the application to a payout, and what others see of it. */
import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { systemContext } from '../../../src/commands/context.ts'
import { affiliate } from '../../../src/commands/killatamata/affiliate.ts'
import { COMMISSIONS } from '../../../src/processes/killatamata/commissions.ts'
import { eventually } from '../../projections/support.ts'
import { type Customer, startKillatamata } from './serving.ts'

const served = await startKillatamata({
  processes: [COMMISSIONS],
  env: { AFFILIATE_HOLD_DAYS: '0', AFFILIATE_PAYOUT_MIN_CENTS: '100' },
})
afterAll(() => served.stop())

const me = (path: string) => `affiliates/me${path}`
const profile = { displayName: 'Ada', contactEmail: ' Ada@Example.com ', countryCode: 'gb' }

/** An affiliate with its code. */
async function affiliated(name = 'ada'): Promise<Customer & { code: string }> {
  const who = await served.customer(name)
  await served.post(me('/apply'), profile, who.key)
  const { body } = await served.get(me('/code'), who.key)
  return { ...who, code: body.code }
}

/** The dashboard, once it says so. */
const dashboardOf = (key: string, wanted: object) =>
  eventually(async () => {
    const { body } = await served.get(me('/dashboard'), key)
    expect(body).toMatchObject(wanted)
    return body
  })

describe('an affiliate', () => {
  it('applies, changes its profile, and is nobody else’s', async () => {
    const ada = await served.customer('ada')
    for (const path of ['', '/code', '/dashboard', '/commissions', '/payouts', '/payout-requests']) {
      const { status, body } = await served.get(me(path), ada.key)
      expect([status, body.code]).toStrictEqual([404, 'affiliate_not_found'])
    }
    const applied = await served.post(me('/apply'), profile, ada.key)
    expect(applied).toMatchObject({
      status: 201,
      body: {
        ok: true,
        affiliate: {
          ...{ status: 'active', displayName: 'Ada', contactEmail: 'Ada@Example.com', countryCode: 'GB' },
          ...{ payoutAddress: null, termsVersion: null },
        },
      },
    })
    expect(applied.body.affiliate.affiliateId).toMatch(/^aff_[0-9A-Z]{26}$/)
    expect((await served.post(me('/apply'), profile, ada.key)).status).toBe(200)
    const other = await served.post(me('/apply'), { ...profile, displayName: 'Eve' }, ada.key)
    expect([other.status, other.body.code]).toStrictEqual([409, 'affiliate_exists'])
    const patched = await served.ask('PATCH', '/api/v1/affiliates/me', {
      ...{ key: ada.key, body: { payoutAddress: 'ada@pay.example' } },
    })
    expect(patched).toMatchObject({ status: 200, body: { affiliate: { payoutAddress: 'ada@pay.example' } } })
    expect((await served.get(me(''), ada.key)).body).toStrictEqual(patched.body)
  })

  it('has one code, however many ask at once', async () => {
    const ada = await served.customer('ada')
    await served.post(me('/apply'), profile, ada.key)
    const answers = await Promise.all(Array.from({ length: 50 }, () => served.get(me('/code'), ada.key)))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.code}`)).size).toBe(1)
    expect(answers[0]?.body.shareUrl).toContain(answers[0]?.body.code)
  })
})

describe('a code', () => {
  it('is validated, captured and followed by anybody', async () => {
    const ada = await affiliated()
    const asked = await served.post('affiliates/validate-code', { code: ada.code.toLowerCase() })
    expect(asked.body).toStrictEqual({ ok: true, valid: true, code: ada.code, displayName: 'Ada' })
    const unknown = await served.post('affiliates/validate-code', { code: 'nobodys1' })
    expect(unknown).toMatchObject({ status: 200, body: { valid: false, code: 'NOBODYS1', displayName: null } })

    const captured = await served.post('affiliates/capture', { code: ada.code })
    expect(captured.body).toMatchObject({ ok: true, code: ada.code })
    expect(captured.headers.get('set-cookie')).toMatch(
      /^kt_aff=.+; Max-Age=2592000; Path=\/killatamata; HttpOnly; SameSite=Lax/,
    )
    const [, payload = ''] = captured.body.captureToken.split('.')
    expect(Object.keys(JSON.parse(Buffer.from(payload, 'base64url').toString())).sort()).toStrictEqual([
      ...['code', 'exp', 'iat'],
    ])

    const url = `${served.url}/killatamata/api/v1/affiliates/r?code=${ada.code}`
    const followed = await fetch(url, { redirect: 'manual' })
    expect(followed.status).toBe(302)
    expect(followed.headers.get('location')).toContain(`?ref=${ada.code}`)
    const json = await served.ask('GET', `/api/v1/affiliates/r?code=${ada.code}`, {
      headers: { accept: 'application/json' },
    })
    expect(json).toMatchObject({ status: 200, body: { code: ada.code } })
    for (const answer of [
      await served.post('affiliates/capture', { code: 'nobodys1' }),
      await served.get('affiliates/r?code=nobodys1'),
    ]) {
      expect([answer.status, answer.body.code]).toStrictEqual([404, 'affiliate_code_not_found'])
    }
    await dashboardOf(ada.key, { code: ada.code, clicks: 3, signups: 0 })
  })

  it('is bound once for ever, by a token of its own link at most', async () => {
    const [ada, eve, ben] = [await affiliated('ada'), await affiliated('eve'), await served.customer('ben')]
    const { body: link } = await served.post('affiliates/capture', { code: eve.code })
    const bind = (code: string, who: Customer, captureToken?: string) =>
      served.post(me('/bind-code'), { code, ...(captureToken && { captureToken }) }, who.key)
    const refusals = [
      await bind(ada.code, ben, link.captureToken),
      await bind(ada.code, ben, `${link.captureToken}x`),
      await bind(ada.code, ada),
      await bind('NOBODYS1', ben),
    ]
    expect(refusals.map(({ status, body }) => [status, body.code])).toStrictEqual([
      [400, 'capture_token_invalid'],
      [400, 'capture_token_invalid'],
      [409, 'affiliate_self_referral'],
      [404, 'affiliate_code_not_found'],
    ])
    const { body: own } = await served.post('affiliates/capture', { code: ada.code })
    const bound = await bind(ada.code, ben, own.captureToken)
    expect(bound).toMatchObject({ status: 200, body: { ok: true, code: ada.code, bound: true } })
    expect((await bind(ada.code.toLowerCase(), ben)).body).toStrictEqual(bound.body)
    const other = await bind(eve.code, ben)
    expect([other.status, other.body.code]).toStrictEqual([409, 'affiliate_already_bound'])
    await dashboardOf(ada.key, { signups: 1 })
  })

  it('comes with a checkout, and opens none where it is refused', async () => {
    const [ada, eve, ben] = [await affiliated('ada'), await affiliated('eve'), await served.customer('ben')]
    const buy = (affiliateCode: string, who: Customer) =>
      served.post('checkout/stripe', { packageCode: 'starter_500', affiliateCode }, who.key)
    expect(await buy(ada.code, ben)).toMatchObject({ status: 201, body: { affiliate: { bound: true } } })
    expect(await buy(eve.code, ben)).toMatchObject({
      ...{ status: 201, body: { affiliate: { bound: false, reason: 'already_bound' } } },
    })
    const own = await buy(ada.code, ada)
    expect([own.status, own.body.code]).toStrictEqual([409, 'affiliate_self_referral'])
    const unknown = await buy('NOBODYS1', ben)
    expect([unknown.status, unknown.body.code]).toStrictEqual([404, 'affiliate_code_not_found'])
  })
})

describe('commissions', () => {
  it('are a tenth of deposits after the binding, and are requested and paid', async () => {
    const [ada, ben] = [await affiliated('ada'), await served.customer('ben')]
    await served.credited(ben, 70_000_000n)
    const bind = () => served.post(me('/bind-code'), { code: ada.code }, ben.key, { 'x-idempotency-key': 'bind-1' })
    const [first, again] = [await bind(), await bind()]
    expect(again.body).toStrictEqual(first.body)
    expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toStrictEqual([null, 'true'])
    await served.credited(ben, 20_000_000n)
    await served.credited(ben, 5_000_000n)
    await dashboardOf(ada.key, {
      ...{ payingAccounts: 1, depositsUsdCents: 2_500, signups: 1 },
      commissions: { pendingUsdMicros: 0, availableUsdMicros: 2_500_000 },
    })
    const { body: earned } = await served.get(me('/commissions?limit=1'), ada.key)
    expect(earned.commissions).toMatchObject([
      { provider: 'stripe', depositUsdCents: 500, commissionUsdMicros: 500_000, status: 'available' },
    ])
    expect(JSON.stringify(earned)).not.toContain(ben.accountId)

    const ask = () => served.post(me('/payout-requests'), { note: 'the usual account' }, ada.key)
    const early = await ask()
    expect([early.status, early.body.code]).toStrictEqual([409, 'payout_address_missing'])
    await served.ask('PATCH', '/api/v1/affiliates/me', { key: ada.key, body: { payoutAddress: 'ada@pay.example' } })
    expect((await served.get(me('/payout-requests'), ada.key)).body.eligibility).toStrictEqual({
      ...{ eligible: true, reasons: [], availableUsdMicros: 2_500_000, minimumUsdMicros: 1_000_000 },
      ...{ hasPayoutAddress: true, openRequestId: null },
    })
    const asked = await Promise.all(Array.from({ length: 20 }, ask))
    const [taken, ...others] = asked.toSorted((a, b) => a.status - b.status)
    expect(taken).toMatchObject({
      status: 201,
      body: { payoutRequest: { amountUsdMicros: 2_500_000, status: 'requested' } },
    })
    expect(new Set(others.map(({ status, body }) => `${status} ${body.code}`))).toStrictEqual(
      new Set(['409 payout_request_open']),
    )
    const { payoutRequestId } = taken?.body.payoutRequest ?? {}
    const pay = { kind: 'pay', accountId: ada.accountId, payoutRequestId, reference: 'wire 7' } as const
    const at = new Date().toISOString()
    const context = systemContext('test', randomUUID(), at)
    const { position } = await served.parts.bus.handle(affiliate, ada.accountId, { ...pay, at }, context)
    await served.waiter.waitFor(position ?? 0n, 10_000)
    const { body: paid } = await served.get(me('/payouts'), ada.key)
    expect(paid.payouts).toMatchObject([{ amountUsdMicros: 2_500_000, reference: 'wire 7' }])
    const { body: after } = await served.get(me('/commissions'), ada.key)
    expect(after.commissions.map(({ status }: { status: string }) => status)).toStrictEqual(['paid', 'paid'])
  })

  it('list as many as are asked for, and no more than the most', async () => {
    const ada = await affiliated()
    for (const limit of ['0', '-1', 'many', '1.5']) {
      expect((await served.get(me(`/commissions?limit=${limit}`), ada.key)).status).toBe(400)
    }
    expect((await served.get(me('/payouts?limit=900000000000'), ada.key)).status).toBe(200)
  })
})
