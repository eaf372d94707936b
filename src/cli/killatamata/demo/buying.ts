/** Credit by card, whatever the provider sends how often, and by a signature that is settled on the chain. */
import { x402Client, x402HTTPClient } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { privateKeyToAccount } from 'viem/accounts'
import { accepted } from '../../accepted.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { CliError, EXIT } from '../../terminal.ts'
import { balanceOf, type Caller, dollars, type KillatamataStory, MICROS_PER_CENT, type Say } from './story.ts'

const WEBHOOKS = 3
const CARD = { packageCode: 'builder_2000', usdCents: 2_000 }

/** Opens a checkout, and pays it at the stand-in; `times`: how often it tells of that. */
export async function payByCard(
  { standIns }: KillatamataStory,
  caller: Caller,
  { packageCode, times }: { packageCode: string; times: number },
) {
  const opened = await accepted(caller.POST('/api/v1/checkout/stripe', { body: { packageCode } }))
  await standIns('POST', `/control/stripe/sessions/${opened.sessionId}/pay`, { times })
  return opened
}

export async function buyByCard(story: KillatamataStory, say: Say): Promise<void> {
  const { customer, checks, found } = story
  const { packageCode } = CARD
  const { sessionId, usdCents } = await payByCard(story, customer, { packageCode, times: WEBHOOKS })
  checks.equal('a checkout of twenty dollars', usdCents, CARD.usdCents)
  const claim = () => customer.POST('/api/v1/claim/stripe', { body: { sessionId } })
  const claimed = await claim()
  checks.equal('the claim knows the deposit', `${statusOf(claimed)} ${claimed.data?.depositUsdCents}`, '200 2000')
  checks.equal('and so does its repeat', (await claim()).data?.depositUsdCents, CARD.usdCents)
  const { available } = await balanceOf(story, customer)
  const expected = CARD.usdCents * MICROS_PER_CENT
  checks.equal(`${WEBHOOKS} webhooks and two claims are one credit`, available, expected)
  found.creditedCents += CARD.usdCents
  say(`${dollars(available)}, session ${sessionId}`)
}

const X402_CENTS = 500
/** Signs what a 402 asks for, as any client of x402 does, by a wallet of the sandbox. */
function payerOf({ sandbox }: KillatamataStory, usdCents: number): x402HTTPClient {
  const { network, token: asset, wallets } = sandbox().chain
  const [wallet] = wallets
  if (!wallet) throw new CliError(EXIT.refused, 'the sandbox has no wallets')
  const maxAmountPerPayment = String(usdCents * MICROS_PER_CENT)
  const client = new x402Client().register(network, new ExactEvmScheme(privateKeyToAccount(wallet.private_key)))
  return new x402HTTPClient(client.setSpendControls({ allowedAssets: [{ network, asset, maxAmountPerPayment }] }))
}

/** Pays so many cents; `pay` sends the same signature again. */
export async function payByX402(story: KillatamataStory, caller: Caller, usdCents: number) {
  const payer = payerOf(story, usdCents)
  const purchase = (by: Caller, headers = {}) =>
    by.POST('/api/v1/credits/purchase/x402', { body: { usdCents }, headers })
  const asked = await purchase(caller)
  const required = payer.getPaymentRequiredResponse((name) => asked.response.headers.get(name), asked.error)
  const payload = await payer.createPaymentPayload(required)
  const headers = payer.encodePaymentSignatureHeader(payload)
  return {
    asked,
    required,
    pay: (by = caller) => purchase(by, headers),
    /** What the header of such an answer says of the payment. */
    settlementOf: ({ headers: given }: Response) => payer.getPaymentSettleResponse((name) => given.get(name)),
  }
}

export async function buyByX402(story: KillatamataStory, say: Say): Promise<void> {
  const { customer, as, sandbox, checks, found } = story
  const { asked, required, pay, settlementOf } = await payByX402(story, customer, X402_CENTS)
  checks.equal('a price is asked for', statusOf(asked), '402 payment_required')
  checks.equal('in units of the token', required.accepts[0]?.amount, String(X402_CENTS * MICROS_PER_CENT))
  const paid = await pay()
  const { replayed, transaction } = paid.data ?? {}
  checks.equal('what is signed is settled', `${statusOf(paid)} ${replayed}`, '201 false')
  checks.equal('the answer’s header names the transaction', settlementOf(paid.response).transaction, transaction)
  const again = await pay()
  const told = `${statusOf(again)} ${again.data?.replayed} ${again.data?.transaction}`
  checks.equal('sent again, it is the same', told, `200 true ${transaction}`)
  const thief = as(sandbox().admin.api_key)
  checks.equal('it is nobody else’s', statusOf(await pay(thief)), '409 payment_already_used')
  found.creditedCents += X402_CENTS
  const { available } = await balanceOf(story, customer)
  checks.equal('five dollars are credited once', available, found.creditedCents * MICROS_PER_CENT)
  say(`${dollars(available)}, transaction ${transaction}`)
}
