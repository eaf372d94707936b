/** An affiliate: a code, somebody who comes with it, the commission of what is bought, and a request to be paid. */
import { accepted } from '../../accepted.ts'
import { poll } from '../../demo/client.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { payByCard } from './buying.ts'
import { enterByGoogle } from './signing-in.ts'
import { dollars, type KillatamataStory, type Say } from './story.ts'

const COMMISSION_MICROS = 2_000_000

export async function refer(story: KillatamataStory, say: Say): Promise<void> {
  const { anybody, customer, as, checks, found, run, waits } = story
  const profile = {
    displayName: 'Demo',
    contactEmail: found.customer.email,
    countryCode: 'GB',
    payoutAddress: `demo-${run}`,
  }
  await accepted(customer.POST('/api/v1/affiliates/me/apply', { body: profile }))
  const { code } = await accepted(customer.GET('/api/v1/affiliates/me/code'))
  const known = await anybody.POST('/api/v1/affiliates/validate-code', { body: { code: code.toLowerCase() } })
  checks.equal('the code is good', known.data?.valid, true)
  const own = await customer.POST('/api/v1/affiliates/me/bind-code', { body: { code } })
  checks.equal('not for its owner', statusOf(own), '409 affiliate_self_referral')
  const { captureToken } = await accepted(anybody.POST('/api/v1/affiliates/capture', { body: { code } }))
  const friend = as((await enterByGoogle(story, 'friend')).key)
  const bound = await friend.POST('/api/v1/affiliates/me/bind-code', { body: { code, captureToken } })
  checks.equal('a friend comes with it', `${statusOf(bound)} ${bound.data?.bound}`, '200 true')
  await payByCard(story, friend, { packageCode: 'builder_2000', times: 1 })
  const { clicks, signups, payingAccounts, commissions } = await poll(
    () => accepted(customer.GET('/api/v1/affiliates/me/dashboard')),
    (seen) => seen.commissions.availableUsdMicros === COMMISSION_MICROS,
    waits,
  )
  const seen = `${clicks} ${signups} ${payingAccounts} ${commissions.availableUsdMicros}`
  checks.equal('a click, a sign-up, a payer, ten percent', seen, `1 1 1 ${COMMISSION_MICROS}`)
  const ask = (note?: string) => customer.POST('/api/v1/affiliates/me/payout-requests', { body: note ? { note } : {} })
  const requested = await ask('Demo')
  const { amountUsdMicros, payoutRequestId } = requested.data?.payoutRequest ?? {}
  checks.equal('all of it is asked for', `${statusOf(requested)} ${amountUsdMicros}`, `201 ${COMMISSION_MICROS}`)
  checks.equal('once', statusOf(await ask()), '409 payout_request_open')
  say(`${code}: ${dollars(Number(amountUsdMicros))}, ${payoutRequestId}`)
}
