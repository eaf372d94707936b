/** An authorization is credited once, and only by what the chain says of it: with crashes, silence, strangers and races. */
import { describe, expect, it, vi } from 'vitest'
import type { PaidIn } from '../../../src/adapters/x402/authorization.ts'
import { type ChainSays, ChainSilent } from '../../../src/adapters/x402/chain.ts'
import { x402PaymentIdOf } from '../../../src/commands/killatamata/x402-payment.ts'
import type { Authorization } from '../../../src/events/killatamata/x402.ts'
import { createX402Payments, type X402Chain } from '../../../src/processes/killatamata/x402.ts'
import { accountId, at, emptyLog, otherAccountId, processOn, systemAt } from '../../commands/killatamata/story.ts'
import type { MemoryStore } from '../../support/memory-store.ts'

const address = (digit: string) => `0x${digit.repeat(40)}`
const authorization: Authorization = {
  ...{ network: 'eip155:84532', asset: address('a'), from: address('b'), to: address('c'), value: '5000000' },
  ...{ validAfterS: '0', validBeforeS: '2000000000', nonce: `0x${'12'.repeat(32)}`, signature: `0x${'ab'.repeat(65)}` },
}
const order = { accountId, authorization, usdCents: 500n }
const transaction = `0x${'cd'.repeat(32)}`
const NOW = new Date(at(100))

/** A chain in memory: what it says can be set, and a send pays unless it is told otherwise. */
function testChain() {
  const state = {
    says: { as: 'unused' } as ChainSays,
    isSilent: false,
    sends: 0,
    isFunded: true,
    fault: undefined as string | undefined,
    /** Of what is sent; undefined: none came in time. */
    receipt: undefined as PaidIn | undefined,
  }
  const paid = (blockAt = NOW): ChainSays => ({ as: 'paid', transaction, blockNumber: '7', blockAt })
  let onSend = () => {
    state.says = paid()
  }
  const answer = <T>(value: () => T): Promise<T> =>
    state.isSilent ? Promise.reject(new ChainSilent('it does not answer')) : Promise.resolve(value())
  const chain: X402Chain = {
    faultOf: () => answer(() => state.fault),
    isSigned: async () => true,
    isFunded: () => answer(() => state.isFunded),
    outcomeOf: () => answer(() => state.says),
    async send() {
      state.sends += 1
      onSend()
      return state.receipt
    },
  }
  return {
    chain,
    state,
    paid,
    whenSent: (then: () => void) => {
      onSend = then
    },
  }
}
type TestChain = ReturnType<typeof testChain>

const limits = { waitMaxMs: 200, pollMs: 5, foreignMaxMs: 600_000, firstStart: async () => new Date(at(0)) }
const paymentsOn = (store: MemoryStore, { chain }: TestChain, firstStart = limits.firstStart) => {
  const own = processOn(store)
  const bounds = { ...limits, firstStart }
  return { ...own, payments: createX402Payments({ ...own, chain, limits: bounds, now: () => NOW }) }
}

const count = (store: MemoryStore, type: string) =>
  store.events().filter((event) => event.type === `killatamata.${type}.v1`).length
const available = async (store: MemoryStore, chain: TestChain, of = accountId) =>
  (await paymentsOn(store, chain).ledgers.balance(of)).availableMicros

describe('an x402 payment', () => {
  it('is settled and credited, and shown again to the account that brings it again', async () => {
    const [store, chain] = [emptyLog(), testChain()]
    const { payments } = paymentsOn(store, chain)
    expect(await payments.pay(order, systemAt(100))).toMatchObject({ as: 'credited', isReplay: false })
    expect(await payments.pay(order, systemAt(101))).toMatchObject({
      ...{ as: 'credited', isReplay: true, state: { transaction } },
    })
    expect(await available(store, chain)).toBe(5_000_000n)
    expect(chain.state.sends).toBe(1)
  })

  it('is settled by the receipt of what was sent, and nothing more is asked of the chain', async () => {
    const [store, chain] = [emptyLog(), testChain()]
    chain.state.receipt = { transaction, blockNumber: '7' }
    const outcomeOf = vi.spyOn(chain.chain, 'outcomeOf')
    const { payments } = paymentsOn(store, chain)
    expect(await payments.pay(order, systemAt(100))).toMatchObject({
      ...{ as: 'credited', state: { transaction }, availableMicros: 5_000_000n },
    })
    expect(outcomeOf).not.toHaveBeenCalled()
    expect(store.events().map(({ type }) => type.split('.')[1])).toStrictEqual([
      ...['X402PaymentClaimed', 'X402SettlementAttempted', 'X402PaymentSettled'],
      ...['DepositCredited', 'X402PaymentCredited'],
    ])
  })

  it('is credited once where 50 come at once in three processes, and is no other account’s', async () => {
    const [store, chain] = [emptyLog(), testChain()]
    const processes = [paymentsOn(store, chain), paymentsOn(store, chain), paymentsOn(store, chain)]
    const work = Array.from({ length: 50 }, (_, n) => processes[n % 3]?.payments.pay(order, systemAt(100)))
    const outcomes = await Promise.all(work)
    expect(new Set(outcomes.map((each) => each?.as))).toStrictEqual(new Set(['credited']))
    expect(count(store, 'DepositCredited')).toBe(1)
    const others = processes[0]?.payments.pay({ ...order, accountId: otherAccountId }, systemAt(101))
    await expect(others).rejects.toMatchObject({ code: 'payment_already_used' })
    expect(await available(store, chain)).toBe(5_000_000n)
    expect(await available(store, chain, otherAccountId)).toBe(0n)
  })

  it('is finished without the client after a process has ended between claim and send, and between send and credit', async () => {
    const [store, chain] = [emptyLog(), testChain()]
    const cut = { ...chain.chain, send: () => Promise.reject(new Error('ended')) }
    const first = paymentsOn(store, { ...chain, chain: cut })
    await expect(first.payments.pay(order, systemAt(100))).rejects.toThrow('ended')
    const ledgers = { ...first.ledgers, credit: () => Promise.reject(new Error('ended')) }
    const second = createX402Payments({ ...first, ledgers, chain: chain.chain, limits, now: () => NOW })
    const paymentId = x402PaymentIdOf(authorization)
    await expect(second.finish(paymentId, systemAt(110))).rejects.toThrow('ended')
    expect(await available(store, chain)).toBe(0n)
    expect(await paymentsOn(store, chain).payments.finish(paymentId, systemAt(120))).toMatchObject({ as: 'credited' })
    expect(await paymentsOn(store, chain).payments.pay(order, systemAt(130))).toMatchObject({ isReplay: true })
    expect(await available(store, chain)).toBe(5_000_000n)
    expect(chain.state.sends).toBe(1)
  })

  it('is pending while the chain is silent or does not mine, and credited when it is back', async () => {
    const [store, chain] = [emptyLog(), testChain()]
    const { payments } = paymentsOn(store, chain)
    chain.whenSent(() => {
      chain.state.isSilent = true
    })
    expect(await payments.pay(order, systemAt(100))).toStrictEqual({ as: 'pending' })
    chain.state.isSilent = false
    chain.state.says = chain.paid()
    expect(await payments.pay(order, systemAt(130))).toMatchObject({ as: 'credited' })
    expect(chain.state.sends).toBe(1)
    expect(await available(store, chain)).toBe(5_000_000n)
  })

  it('is credited where a stranger has brought it to the chain first', async () => {
    const [store, chain] = [emptyLog(), testChain()]
    chain.state.fault = 'transaction_simulation_failed'
    chain.state.says = chain.paid()
    expect(await paymentsOn(store, chain).payments.pay(order, systemAt(100))).toMatchObject({ as: 'credited' })
    expect(chain.state.sends).toBe(0)
  })

  it('is nobody’s where it was settled long ago, or before this instance began', async () => {
    const [store, chain] = [emptyLog(), testChain()]
    chain.state.fault = 'transaction_simulation_failed'
    for (const blockAt of [new Date(NOW.getTime() - 601_000), new Date(at(-1))]) {
      chain.state.says = chain.paid(blockAt)
      const outcome = await paymentsOn(store, chain).payments.pay(order, systemAt(100))
      expect(outcome).toStrictEqual({ as: 'rejected', reason: 'nonce_already_used' })
    }
    expect(store.events()).toStrictEqual([])
  })

  it('is credited where nobody can tell when this instance began, unless that matters; then it waits', async () => {
    const away = () => Promise.reject(new Error('the database is away'))
    const [store, chain] = [emptyLog(), testChain()]
    chain.state.fault = 'transaction_simulation_failed'
    chain.state.says = chain.paid()
    await expect(paymentsOn(store, chain, away).payments.pay(order, systemAt(100))).rejects.toThrow('is away')
    expect(store.events()).toStrictEqual([])
    chain.state.fault = undefined
    expect(await paymentsOn(store, chain, away).payments.pay(order, systemAt(101))).toMatchObject({ as: 'credited' })
  })

  it.each(['cancelled', 'expired'] as const)(
    'ends without a credit where it is %s between claim and settlement',
    async (as) => {
      const [store, chain] = [emptyLog(), testChain()]
      chain.whenSent(() => {
        chain.state.says = { as }
      })
      const { payments } = paymentsOn(store, chain)
      expect(await payments.pay(order, systemAt(100))).toStrictEqual({ as: 'rejected', reason: as })
      expect(await available(store, chain)).toBe(0n)
      expect(count(store, 'X402PaymentFailed')).toBe(1)
    },
  )

  it('of a wallet that was emptied after its claim is rejected, and the claim waits for the chain', async () => {
    const [store, chain] = [emptyLog(), testChain()]
    chain.whenSent(() => {
      chain.state.isFunded = false
    })
    const { payments } = paymentsOn(store, chain)
    expect(await payments.pay(order, systemAt(100))).toStrictEqual({ as: 'rejected', reason: 'insufficient_funds' })
    expect(await available(store, chain)).toBe(0n)
    expect(chain.state.sends).toBe(1)
    chain.state.says = { as: 'expired' }
    await payments.finish(x402PaymentIdOf(authorization), systemAt(400))
    expect(count(store, 'X402PaymentFailed')).toBe(1)
  })

  it('that is bad and unused is refused, and nothing is written', async () => {
    const [store, chain] = [emptyLog(), testChain()]
    chain.state.fault = 'insufficient_funds'
    const outcome = await paymentsOn(store, chain).payments.pay(order, systemAt(100))
    expect(outcome).toStrictEqual({ as: 'rejected', reason: 'insufficient_funds' })
    expect(store.events()).toStrictEqual([])
  })
})
