/** An affiliate: a code, somebody who comes with it, the commission of what is bought, and a request to be paid. */
import { poll } from '../../demo/client.ts'
import { payByCard } from './buying.ts'
import { enterByGoogle } from './signing-in.ts'
import { dollars, type KillatamataStory, must, partOf, type Say, statusOf } from './story.ts'

const COMMISSION_MICROS = 2_000_000

export async function refer(story: KillatamataStory, say: Say): Promise<void> {
  const { open, call, as, checks, found, run, waits } = story
  const profile = {
    displayName: 'Demo',
    contactEmail: found.customer.email,
    countryCode: 'GB',
    payoutAddress: `demo-${run}`,
  }
  must(await call('POST', '/affiliates/me/apply', profile), 201, 'the application')
  const code = String((await call('GET', '/affiliates/me/code')).body.code)
  const known = await open('POST', '/affiliates/validate-code', { code: code.toLowerCase() })
  checks.equal('the code is good', known.body.valid, true)
  const own = await call('POST', '/affiliates/me/bind-code', { code })
  checks.equal('not for its owner', statusOf(own), '409 affiliate_self_referral')
  const { captureToken } = (await open('POST', '/affiliates/capture', { code })).body
  const friend = await enterByGoogle(story, 'friend')
  const friendCall = as(() => friend.key)
  const bound = await friendCall('POST', '/affiliates/me/bind-code', { code, captureToken })
  checks.equal('a friend comes with it', `${bound.status} ${bound.body.bound}`, '200 true')
  await payByCard(story, friendCall, { packageCode: 'builder_2000', times: 1 })
  const dashboard = await poll(
    async () => (await call('GET', '/affiliates/me/dashboard')).body,
    (body) => partOf(body, 'commissions').availableUsdMicros === COMMISSION_MICROS,
    waits,
  )
  const seen = `${dashboard.clicks} ${dashboard.signups} ${dashboard.payingAccounts} ${partOf(dashboard, 'commissions').availableUsdMicros}`
  checks.equal('a click, a sign-up, a payer, ten percent', seen, `1 1 1 ${COMMISSION_MICROS}`)
  const requested = await call('POST', '/affiliates/me/payout-requests', { note: 'Demo' })
  const { amountUsdMicros, payoutRequestId } = partOf(requested.body, 'payoutRequest')
  checks.equal('all of it is asked for', `${statusOf(requested)} ${amountUsdMicros}`, `201 ${COMMISSION_MICROS}`)
  const twice = await call('POST', '/affiliates/me/payout-requests', {})
  checks.equal('once', statusOf(twice), '409 payout_request_open')
  say(`${code}: ${dollars(Number(amountUsdMicros))}, ${payoutRequestId}`)
}
