/** An agent that trades for the trader: made, verified, used without gas, and revoked. */
import { signText } from '../../../adapters/chain/account.ts'
import type { Hex } from '../../../adapters/chain/node.ts'
import { poll } from '../../demo/client.ts'
import { BITCOIN, execute, type OstiumStory, position, type Say, statusOf, type Transaction, USDC } from './story.ts'

export async function createAgent(story: OstiumStory, say: Say): Promise<void> {
  const { call, agentCall, checks, facts, found } = story
  const made = await call('POST', '/v1/auth/create')
  checks.equal('an agent is made', statusOf(made), '200')
  const { apiKey, smartAccountAddress, delegateApprovalTx, usdcApprovalTx } = made.body
  found.apiKey = String(apiKey)
  found.account = String(smartAccountAddress)
  checks.equal('the exchange’s allowance is used up', made.body.usdcApprovalRequired, true)
  const early = await agentCall('POST', '/v1/exchange/open', { open: wish(story, '5') })
  checks.equal('its key opens nothing yet', statusOf(early), '401 UNAUTHORIZED')
  for (const each of [delegateApprovalTx, usdcApprovalTx] as Transaction[]) await execute(story, each)
  const verified = await agentCall('POST', '/v1/auth/verify-auth')
  checks.equal('signed on chain, it is verified', verified.body.verified, true)
  const code = await story.chain.getCode(found.account as Hex)
  say(`${found.account}, ${code === '0x' ? 'not deployed yet' : 'deployed'}, on chain ${facts.chainId}`)
}

const wish = ({ found }: OstiumStory, dollars: string) => ({
  ...{ a: BITCOIN, b: true, t: 'market', p: found.price.toFixed(2), s: dollars, l: '10' },
})

export async function tradeWithoutGas(story: OstiumStory, say: Say): Promise<void> {
  const { agentCall, chain, trader, checks, found, run } = story
  const before = await chain.etherOf(trader.address)
  const key = { 'idempotency-key': `${run}-delegated` }
  const started = performance.now()
  const answer = await agentCall('POST', '/v1/exchange/open', { open: wish(story, '200'), sp: 2 }, key)
  const tookMs = Math.round(performance.now() - started)
  checks.equal('the agent opens', statusOf(answer), '200')
  checks.equal('by the account that was promised', answer.body.smartAccountAddress, found.account)
  const hash = String(answer.body.txHash) as Hex
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
  const { agentCall, chain, trader, checks, found, run } = story
  const key = { 'idempotency-key': `${run}-twice` }
  const send = () => agentCall('POST', '/v1/exchange/open', { open: wish(story, '20'), sp: 2 }, key)
  const both = await Promise.all([send(), send()])
  const third = await send()
  const hashes = new Set([...both, third].map(({ body }) => String(body.txHash)))
  checks.equal('three sends under one key are one transaction', `${statusOf(third)} ${hashes.size}`, '200 1')
  for (const hash of hashes) found.delegated.add(hash)
  checks.equal('the later ones say so', third.headers.get('idempotency-replayed'), 'true')
  const trade = await position(story, 2, (seen) => seen !== undefined)
  const next = await chain.openTrade(trader.address, BITCOIN, 3)
  checks.equal('and one position', `${(trade?.collateral ?? 0n) / USDC} ${next === undefined}`, '20 true')
  say([...hashes].join(' '))
}

export async function revokeAgent(story: OstiumStory, say: Say): Promise<void> {
  const { call, agentCall, checks, trader, found, waits } = story
  const asked = await call('POST', '/v1/auth/revoke')
  checks.equal('a message is handed out', statusOf(asked), '200')
  const { message, removeDelegateTx, usdcRevokeTx } = asked.body
  const signed = { message, signature: await signText(trader.key, String(message)) }
  const early = await call('POST', '/v1/auth/verify-revoke', signed)
  checks.equal('as long as the chain has the delegate it is refused', statusOf(early), '400 INVALID_ACTION')
  for (const each of [removeDelegateTx, usdcRevokeTx] as Transaction[]) await execute(story, each)
  const done = await call('POST', '/v1/auth/verify-revoke', signed)
  checks.equal('after that the same signature revokes it', `${statusOf(done)} ${done.body.allowance}`, '200 0')
  const dead = await poll(
    () => agentCall('POST', '/v1/exchange/open', { open: wish(story, '5') }),
    ({ status }) => status === 401,
    waits,
  )
  checks.equal('the key is dead', statusOf(dead), '401 UNAUTHORIZED')
  const agent = await call('GET', '/v1/agent/public')
  checks.equal('and the agent is gone', statusOf(agent), '400 NOT_FOUND')
  say(`${found.account} has no owner any more`)
}
