/** Delegated actions over a node with faults: whatever it says, or does not say, each action is one transaction, and ends once. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressOfKey } from '../../../src/adapters/chain/account.ts'
import { traderIdOf } from '../../../src/commands/ostium/agent.ts'
import { removeDelegateCall } from '../../../src/commands/ostium/calldata.ts'
import { sponsorIdOf } from '../../../src/commands/ostium/sponsor.ts'
import { KEYS } from '../../../src/embedded/market/deployment.ts'
import { type ActionRow, listActions } from '../../../src/projections/ostium/action.ts'
import type { Answer } from '../../http/ostium/serving.ts'
import { ALL_PROCESSES, startTradingGround, type TradingGround } from '../../http/ostium/trading-ground.ts'
import { eventually } from '../../projections/support.ts'
import type { TestTrader } from '../../support/chain.ts'
import { eventsOf } from '../../support/event-store.ts'
import type { NodeFault, Question } from '../../support/faulty-node.ts'

const LONG_MS = 20_000
/** Of a test, which may wait more than once. */
const patience = { timeout: 60_000 }
const SEND = 'eth_sendRawTransaction'
const limit = { a: 1, b: true, t: 'limit', p: '2000', s: '5', l: '5' }

let ground: TradingGround
beforeAll(async () => {
  const env = { OSTIUM_RPC_TIMEOUT_MS: '1500', OSTIUM_CHECK_INTERVAL_MS: '100', OSTIUM_RECEIPT_WAIT_MS: '10000' }
  ground = await startTradingGround({ processes: ALL_PROCESSES, isFaulty: true, env })
  ground.market.setPrice(1, '2300')
})
afterAll(() => ground.stop())
afterEach(() => ground.node.mend())

const sponsorOf = (of: TradingGround) => addressOfKey(of.market.chain.keyOf(KEYS.sponsor))
const codeOf = ({ status, body }: Answer) => [status, body.errorCode]
const namesIn = async (of: TradingGround, stream: string) =>
  (await eventsOf(of.served.store, stream)).map(({ type }) => type.split('.')[1])

async function ready(of: TradingGround = ground) {
  const trader = await of.market.trader()
  const { key } = await of.agentOf(trader)
  const open = (body: object = limit) => of.served.post('/v1/exchange/open', trader.address, { open: body }, { key })
  return { trader, key, open }
}

/** The one action of the trader, as the read model has it once it stands so. */
const actionOf = ({ address }: TestTrader, status: string, of: TradingGround = ground): Promise<ActionRow> =>
  eventually(async () => {
    const found = await listActions(of.served.db, { traderId: traderIdOf(31_337, address) }, 10)
    expect(found.map((each) => each.status)).toStrictEqual([status])
    return found[0]!
  }, LONG_MS)

/** The next question of this name meets the fault, and no other. */
function once(method: string, fault: NodeFault) {
  let isOver = false
  ground.node.meddle((question) => {
    if (isOver || question.method !== method) return undefined
    isOver = true
    return fault
  })
}

describe('row 3: a send', patience, () => {
  it.each<[string, NodeFault]>([
    ['whose answer is lost', 'lose-answer'],
    ['that the node has already', { doneBut: 'already known' }],
    ['whose nonce is too low, since it is in a block', { doneBut: 'nonce too low' }],
    ['that never reached the node', 'away'],
  ])('%s is one transaction all the same', async (_what, fault) => {
    const { trader, open } = await ready()
    const before = await ground.market.client.nonceOf(sponsorOf(ground), 'latest')
    once(SEND, fault)
    const answer = await open()
    expect([answer.status, answer.body]).toMatchObject([200, { txHash: expect.stringMatching(/^0x/) }])
    const row = await actionOf(trader, 'included')
    // Whether the send or the receipt is on record first is not certain.
    const names = await namesIn(ground, `ostium.action-${row.action_id}`)
    expect(names.filter((name) => name !== 'DelegatedActionBroadcast')).toStrictEqual([
      ...['DelegatedActionRequested', 'DelegatedActionSigned', 'DelegatedActionIncluded'],
    ])
    expect(await ground.market.client.nonceOf(sponsorOf(ground), 'latest')).toBe(before + 1)
  })
})

describe('row 4: a send that the node refuses for good', patience, () => {
  it('in the middle of ten leaves no gap: its nonce is filled, and the nine others are done', async () => {
    const traders = await Promise.all(Array.from({ length: 10 }, () => ready()))
    const before = await ground.market.client.nonceOf(sponsorOf(ground), 'latest')
    const seen = new Set<unknown>()
    let refused: unknown
    ground.node.meddle(({ method, params: [raw] }) => {
      if (method !== SEND) return undefined
      seen.add(raw)
      if (seen.size === 5) refused ??= raw
      return raw === refused ? { refuse: 'transaction rejected by policy' } : undefined
    })
    const answers = await Promise.all(traders.map(({ open }) => open()))
    expect(answers.map(({ status }) => status).toSorted()).toStrictEqual([...Array(9).fill(200), 400])
    const failed = answers.findIndex(({ status }) => status === 400)
    expect(answers[failed]?.body).toMatchObject({
      ...{ errorCode: 'INVALID_ACTION', error: expect.stringContaining('rejected by policy') },
    })
    const { action_id, sponsor_nonce } = await actionOf(traders[failed]!.trader, 'abandoned')
    for (const [index, { trader }] of traders.entries()) if (index !== failed) await actionOf(trader, 'included')
    await eventually(async () =>
      expect(await ground.market.client.nonceOf(sponsorOf(ground), 'latest')).toBe(before + 10),
    )
    const events = await eventsOf(ground.served.store, `ostium.sponsor-${sponsorIdOf(31_337, sponsorOf(ground))}`)
    const filled = events.filter(({ type }) => type === 'ostium.SponsorNonceFilled.v1').map(({ data }) => data)
    expect(filled).toMatchObject([{ nonce: sponsor_nonce, actionId: action_id }])
  })
})

describe('row 6: a node that is no good', patience, () => {
  it.each<[string, (question: Question) => NodeFault | undefined]>([
    ['is away', () => 'away'],
    ['is silent', () => 'silent'],
    ['says nonsense', () => ({ text: '<html>busy</html>' })],
    ['answers something else than it was asked', () => ({ result: 'yes' })],
    ['is of another chain', ({ method }) => (method === 'eth_chainId' ? { result: '0x1' } : 'away')],
  ])('and %s stops what needs it, and nothing else, until it is well again', async (_what, fault) => {
    const { trader, open } = await ready()
    const probe = async () => {
      const answer = (await (await fetch(`${ground.served.url}/readyz`)).json()) as {
        dependencies: Record<string, { up: boolean }>
      }
      return answer.dependencies['ostium-chain']?.up
    }
    ground.node.meddle(fault)
    const built = await ground.served.post('/v1/exchange/open', trader.address, { open: limit })
    expect([built.status, built.body.transactions.length]).toStrictEqual([200, 1])
    const [acted, balance] = [await open(), await ground.served.get('/v1/balance/usdc', trader.address)]
    expect([codeOf(acted), codeOf(balance)]).toStrictEqual([
      [503, 'SERVICE_UNAVAILABLE'],
      [503, 'SERVICE_UNAVAILABLE'],
    ])
    expect(acted.headers.get('retry-after')).not.toBeNull()
    await eventually(async () => expect(await probe()).toBe(false), LONG_MS)
    ground.node.mend()
    await eventually(async () => expect(await probe()).toBe(true), LONG_MS)
    expect((await open()).status).toBe(200)
    await actionOf(trader, 'included')
  })
})

it(
  'row 7: a delegation that is removed between preflight and block: reverted, suspended, nothing more is sent',
  patience,
  async () => {
    const { trader, open } = await ready()
    let isRemoved = false
    ground.node.meddle(async ({ method }) => {
      if (method !== SEND || isRemoved) return undefined
      isRemoved = true
      await ground.market.send(trader.key, { to: ground.contracts.trading, data: removeDelegateCall() })
      return undefined
    })
    const answer = await open()
    expect(codeOf(answer)).toStrictEqual([400, 'INVALID_ACTION'])
    expect(answer.body.details).toMatchObject({ txHash: expect.any(String), revert: { name: 'NotDelegate' } })
    await actionOf(trader, 'reverted')
    const stream = `ostium.agent-${traderIdOf(31_337, trader.address)}`
    await eventually(async () => expect((await namesIn(ground, stream)).at(-1)).toBe('AgentSuspended'))
    const nonce = await ground.market.client.nonceOf(sponsorOf(ground), 'latest')
    await eventually(async () => expect(codeOf(await open())).toStrictEqual([401, 'UNAUTHORIZED']))
    expect(await ground.market.client.nonceOf(sponsorOf(ground), 'latest')).toBe(nonce)
  },
)

it(
  'row 19: a chain that has lost its last moments gets the very bytes again that it had, before anything new',
  patience,
  async () => {
    const [first, second] = [await ready(), await ready()]
    const before = await ground.market.client.nonceOf(sponsorOf(ground), 'latest')
    const state = await ground.market.ask('evm_snapshot')
    const { body } = await first.open()
    await actionOf(first.trader, 'included')
    await ground.market.ask('evm_revert', state)
    expect(await ground.market.client.nonceOf(sponsorOf(ground), 'latest')).toBe(before)
    await eventually(async () => {
      expect(await ground.market.client.receipt(body.txHash)).toMatchObject({ isSuccess: true })
    }, LONG_MS)
    expect((await second.open()).status).toBe(200)
    await actionOf(second.trader, 'included')
    expect(await ground.market.client.nonceOf(sponsorOf(ground), 'latest')).toBe(before + 2)
  },
)

it('row 8: an action whose block is taken back waits again, and ends once, by the same bytes', patience, async () => {
  const env = { OSTIUM_CONFIRMATIONS: '3', OSTIUM_RECEIPT_WAIT_MS: '300' }
  const own = await startTradingGround({ processes: ALL_PROCESSES, env })
  try {
    own.market.setPrice(1, '2300')
    const { trader, open } = await ready(own)
    const { status, body } = await open()
    expect(status).toBe(200)
    const { action_id } = await actionOf(trader, 'broadcast', own)
    await own.market.ask('anvil_rollback', 1)
    expect(await own.market.client.receipt(body.txHash)).toBeUndefined()
    await eventually(async () => expect(await own.market.client.receipt(body.txHash)).toBeDefined(), LONG_MS)
    await own.market.commands.mine({ blocks: 3 })
    expect(await actionOf(trader, 'included', own)).toMatchObject({ tx_hash: body.txHash, attempt: 1 })
    const names = await namesIn(own, `ostium.action-${action_id}`)
    expect(names.filter((name) => name === 'DelegatedActionIncluded')).toHaveLength(1)
    expect(names.filter((name) => name === 'DelegatedActionSigned')).toHaveLength(1)
  } finally {
    await own.stop()
  }
})
