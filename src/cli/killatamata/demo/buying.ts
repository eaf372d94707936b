/** Credit by card, whatever the provider sends how often, and by a signature that is settled on the chain. */
import { x402Client, x402HTTPClient } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { privateKeyToAccount } from 'viem/accounts'
import type { Call } from '../../demo/client.ts'
import { CliError, EXIT } from '../../terminal.ts'
import { balanceOf, dollars, type KillatamataStory, MICROS_PER_CENT, must, type Say, statusOf } from './story.ts'

const WEBHOOKS = 3
const CARD = { packageCode: 'builder_2000', usdCents: 2_000 }

/** Opens a checkout, and pays it at the stand-in; `times`: how often it tells of that. */
export async function payByCard(
  { standIns }: KillatamataStory,
  call: Call,
  { times, ...wanted }: { packageCode: string; affiliateCode?: string; times: number },
) {
  const opened = must(await call('POST', '/checkout/stripe', wanted), 201, 'a checkout')
  const sessionId = String(opened.sessionId)
  const paid = await standIns('POST', `/control/stripe/sessions/${sessionId}/pay`, { times })
  must(paid, 200, 'the payment at the stand-in')
  return { opened, sessionId }
}

export async function buyByCard(story: KillatamataStory, say: Say): Promise<void> {
  const { call, checks, found } = story
  const { opened, sessionId } = await payByCard(story, call, { packageCode: CARD.packageCode, times: WEBHOOKS })
  checks.equal('a checkout of twenty dollars', opened.usdCents, CARD.usdCents)
  const claim = () => call('POST', '/claim/stripe', { sessionId })
  const claimed = await claim()
  checks.equal('the claim knows the deposit', `${claimed.status} ${claimed.body.depositUsdCents}`, '200 2000')
  checks.equal('and so does its repeat', (await claim()).body.depositUsdCents, CARD.usdCents)
  const { available } = await balanceOf(story, call)
  const expected = CARD.usdCents * MICROS_PER_CENT
  checks.equal(`${WEBHOOKS} webhooks and two claims are one credit`, available, expected)
  found.creditedCents += CARD.usdCents
  say(`${dollars(available)}, session ${sessionId}`)
}

const X402_CENTS = 500
const PATH = '/credits/purchase/x402'

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
export async function payByX402(story: KillatamataStory, call: Call, usdCents: number) {
  const payer = payerOf(story, usdCents)
  const asked = await call('POST', PATH, { usdCents })
  const required = payer.getPaymentRequiredResponse((name) => asked.headers.get(name), asked.body)
  const payload = await payer.createPaymentPayload(required)
  const headers = payer.encodePaymentSignatureHeader(payload)
  return {
    asked,
    required,
    pay: async (by = call) => {
      const answer = await by('POST', PATH, { usdCents }, headers)
      return { ...answer, of: () => payer.getPaymentSettleResponse((name) => answer.headers.get(name)) }
    },
  }
}

export async function buyByX402(story: KillatamataStory, say: Say): Promise<void> {
  const { call, as, sandbox, checks, found } = story
  const { asked, required, pay } = await payByX402(story, call, X402_CENTS)
  checks.equal('a price is asked for', statusOf(asked), '402 payment_required')
  checks.equal('in units of the token', required.accepts[0]?.amount, String(X402_CENTS * MICROS_PER_CENT))
  const paid = await pay()
  checks.equal('what is signed is settled', `${statusOf(paid)} ${paid.body.replayed}`, '201 false')
  checks.equal('the answer’s header names the transaction', paid.of().transaction, paid.body.transaction)
  const again = await pay()
  const told = `${statusOf(again)} ${again.body.replayed} ${again.body.transaction}`
  checks.equal('sent again, it is the same', told, `200 true ${paid.body.transaction}`)
  const thief = sandbox().admin.api_key
  checks.equal('it is nobody else’s', statusOf(await pay(as(() => thief))), '409 payment_already_used')
  found.creditedCents += X402_CENTS
  const { available } = await balanceOf(story, call)
  checks.equal('five dollars are credited once', available, found.creditedCents * MICROS_PER_CENT)
  say(`${dollars(available)}, transaction ${paid.body.transaction}`)
}
