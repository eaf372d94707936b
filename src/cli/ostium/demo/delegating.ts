/** An agent that trades for the trader: made, verified, used without gas, and revoked. */
import { signText } from '../../../adapters/chain/account.ts'
import type { Hex } from '../../../adapters/chain/node.ts'
import { poll } from '../../demo/client.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { BITCOIN, execute, keyed, type OstiumStory, position, type Say, type Transaction, USDC } from './story.ts'

export async function createAgent(story: OstiumStory, say: Say): Promise<void> {
  const { asTrader, asAgent, checks, facts, found } = story
  const made = await asTrader.POST('/v1/auth/create')
  checks.equal('an agent is made', statusOf(made), '200')
  const { apiKey, smartAccountAddress, usdcApprovalRequired, delegateApprovalTx, usdcApprovalTx } = made.data ?? {}
  found.apiKey = String(apiKey)
  found.account = String(smartAccountAddress)
  checks.equal('the exchange’s allowance is used up', usdcApprovalRequired, true)
  const early = await openAs(story, '5')
  checks.equal('its key opens nothing yet', statusOf(early), '401 UNAUTHORIZED')
  await executeAll(story, [delegateApprovalTx, usdcApprovalTx])
  const verified = await asAgent.POST('/v1/auth/verify-auth')
  checks.equal('signed on chain, it is verified', verified.data?.verified, true)
  const code = await story.chain.getCode(found.account as Hex)
  say(`${found.account}, ${code === '0x' ? 'not deployed yet' : 'deployed'}, on chain ${facts.chainId}`)
}

/** What the trader signs of it. */
async function executeAll(story: OstiumStory, handedOut: readonly (Transaction | null | undefined)[]): Promise<void> {
  for (const each of handedOut) if (each) await execute(story, each)
}

/** As the agent: a position of so many dollars, and what the answer says of its transaction. */
async function openAs({ asAgent, found }: OstiumStory, dollars: string, params = {}) {
  const open = { a: BITCOIN, b: true, t: 'market' as const, p: found.price.toFixed(2), s: dollars, l: '10' }
  const answered = await asAgent.POST('/v1/exchange/open', { params, body: { open, sp: 2 } })
  const sent = answered.data && 'txHash' in answered.data ? answered.data : undefined
  return { ...answered, txHash: String(sent?.txHash), account: sent?.smartAccountAddress }
}

export async function tradeWithoutGas(story: OstiumStory, say: Say): Promise<void> {
  const { chain, trader, checks, found } = story
  const before = await chain.etherOf(trader.address)
  const started = performance.now()
  const answer = await openAs(story, '200', keyed(story, 'delegated'))
  const tookMs = Math.round(performance.now() - started)
  checks.equal('the agent opens', statusOf(answer), '200')
  checks.equal('by the account that was promised', answer.account, found.account)
  const hash = answer.txHash as Hex
  found.delegated.add(hash)
  const receipt = await poll(
    () => chain.receipt(hash),
    (seen) => seen !== undefined,
    story.waits,
  )
  checks.equal('the transaction is in a block', receipt?.isSuccess, true)
  const trade = await position(story, 1, (seen) => seen !== undefined)
  checks.equal(
    'the position is the trader’s',
    `${trade?.trader} ${(trade?.collateral ?? 0n) / USDC}`,
    `${trader.address} 200`,
  )
  checks.equal('who has paid no gas', (await chain.etherOf(trader.address)) - before === 0n, true)
  say(`${hash} in ${tookMs} ms`)
}

export async function sendTwice(story: OstiumStory, say: Say): Promise<void> {
  const { chain, trader, checks, found } = story
  const send = () => openAs(story, '20', keyed(story, 'twice'))
  const both = await Promise.all([send(), send()])
  const third = await send()
  const hashes = new Set([...both, third].map(({ txHash }) => txHash))
  checks.equal('three sends under one key are one transaction', `${statusOf(third)} ${hashes.size}`, '200 1')
  for (const hash of hashes) found.delegated.add(hash)
  checks.equal('the later ones say so', third.response.headers.get('idempotency-replayed'), 'true')
  const trade = await position(story, 2, (seen) => seen !== undefined)
  const next = await chain.openTrade(trader.address, BITCOIN, 3)
  checks.equal('and one position', `${(trade?.collateral ?? 0n) / USDC} ${next === undefined}`, '20 true')
  say([...hashes].join(' '))
}

export async function revokeAgent(story: OstiumStory, say: Say): Promise<void> {
  const { asTrader, checks, trader, found, waits } = story
  const asked = await asTrader.POST('/v1/auth/revoke')
  checks.equal('a message is handed out', statusOf(asked), '200')
  const { message = '', removeDelegateTx, usdcRevokeTx } = asked.data ?? {}
  const body = { message, signature: await signText(trader.key, message) }
  const early = await asTrader.POST('/v1/auth/verify-revoke', { body })
  checks.equal('as long as the chain has the delegate it is refused', statusOf(early), '400 INVALID_ACTION')
  await executeAll(story, [removeDelegateTx, usdcRevokeTx])
  const done = await asTrader.POST('/v1/auth/verify-revoke', { body })
  checks.equal('after that the same signature revokes it', `${statusOf(done)} ${done.data?.allowance}`, '200 0')
  const dead = await poll(
    () => openAs(story, '5'),
    ({ response }) => response.status === 401,
    waits,
  )
  checks.equal('the key is dead', statusOf(dead), '401 UNAUTHORIZED')
  const agent = await asTrader.GET('/v1/agent/public')
  checks.equal('and the agent is gone', statusOf(agent), '400 NOT_FOUND')
  say(`${found.account} has no owner any more`)
}
