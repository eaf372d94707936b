/** A payment is credited once, whoever tells of it, in which order, how often, and wherever a process ends in between. */
import { describe, expect, it, vi } from 'vitest'
import { settlementIdOf } from '../../../src/commands/killatamata/ids.ts'
import { settlement } from '../../../src/commands/killatamata/settlement.ts'
import {
  credit,
  openCheckout,
  type Purchasing,
  settle,
  takeShopEvent,
} from '../../../src/processes/killatamata/purchasing.ts'
import type { Shop, ShopPayment } from '../../../src/processes/killatamata/shops.ts'
import { accountId, emptyLog, processOn, systemAt } from '../../commands/killatamata/story.ts'
import type { MemoryStore } from '../../support/memory-store.ts'

/** A provider that has opened one page, and says of it what the test wants. */
function shopWith(payment: Partial<ShopPayment> = {}): Shop & { payment: ShopPayment } {
  const shop = {
    payment: {
      ...{ providerId: 'cs_1', isPaid: false, hasEnded: false, usdCents: 2_000n, currency: 'usd' },
      ...{ paymentIntentId: 'pi_1', checkoutId: null, ...payment },
    },
    open: vi.fn(async () => ({
      providerId: 'cs_1',
      checkoutUrl: 'https://pay.example/1',
      expiresAt: '2026-09-02T10:00:00.000Z',
    })),
    find: async () => shop.payment,
    originOf: async () => shop.payment,
    readEvent: () => ({ kind: 'other' as const }),
  }
  return shop
}

const log = { warn: vi.fn(), error: vi.fn() }
const purchasingOn = (store: MemoryStore, shop: Shop): Purchasing => ({ ...processOn(store), shopOf: () => shop, log })

const order = {
  ...{ accountId, provider: 'stripe' as const, packageCode: 'builder_2000', usdCents: '2000' },
  ...{ successUrl: null, cancelUrl: null, prefillsEmail: false },
}
const open = (deps: Purchasing, commandId: string) =>
  openCheckout(deps, order, { title: 'Builder', email: undefined }, systemAt(0, commandId))

const deposits = (store: MemoryStore) =>
  store.events().filter(({ type }) => type === 'killatamata.DepositCredited.v1').length

describe('a checkout', () => {
  it('is opened once for one request, also where its answer was lost', async () => {
    const store = emptyLog()
    const shop = shopWith()
    const lost = { ...shop, open: () => Promise.reject(new Error('the line broke')) }
    await expect(open(purchasingOn(store, lost), 'one')).rejects.toThrow('the line broke')
    const opened = await open(purchasingOn(store, shop), 'one')
    const again = await open(purchasingOn(store, shop), 'one')
    expect(again.opening).toStrictEqual(opened.opening)
    expect(shop.open).toHaveBeenCalledTimes(1)
    expect(store.events().filter(({ type }) => type === 'killatamata.PaymentNoticed.v1')).toHaveLength(1)
  })
})

describe('a payment', () => {
  it('is credited once by 25 events and 25 claims at once, in five processes', async () => {
    const store = emptyLog()
    const shop = shopWith()
    const processes = Array.from({ length: 5 }, () => purchasingOn(store, shop))
    const [first] = processes as [Purchasing]
    await open(first, 'one')
    const paid = { ...shop.payment, isPaid: true }
    const work = Array.from({ length: 50 }, (_, n) => {
      const deps = processes[n % 5] ?? first
      return n % 2
        ? takeShopEvent(deps, 'stripe', { kind: 'payment', payment: paid }, systemAt(n))
        : settle(deps, 'stripe', paid, systemAt(n))
    })
    await Promise.all(work)
    expect(deposits(store)).toBe(1)
    expect(await first.ledgers.balance(accountId)).toMatchObject({ availableMicros: 20_000_000n })
    const state = await first.bus.current(settlement, settlementIdOf('stripe', 'cs_1'))
    expect(state).toMatchObject({ status: 'confirmed', credit: { isCredited: true } })
  })

  it('is credited by what was asked for, where it comes before the checkout’s own answer was recorded', async () => {
    const store = emptyLog()
    const shop = shopWith()
    const cut = { ...shop, open: () => Promise.reject(new Error('cut')) }
    await expect(open(purchasingOn(store, cut), 'one')).rejects.toThrow('cut')
    const [asked] = store.events()
    shop.payment = { ...shop.payment, isPaid: true, checkoutId: String(asked?.data.checkoutId) }
    const paid = shop.payment
    const deps = purchasingOn(store, shop)
    await settle(deps, 'stripe', paid, systemAt(1))
    expect(await deps.ledgers.balance(accountId)).toMatchObject({ availableMicros: 20_000_000n })
    await open(deps, 'one')
    await settle(deps, 'stripe', paid, systemAt(2))
    expect(deposits(store)).toBe(1)
  })

  it('is credited once where a process ends between the confirmation and the deposit, and between the deposit and its note', async () => {
    const store = emptyLog()
    const shop = shopWith()
    const deps = purchasingOn(store, shop)
    await open(deps, 'one')
    const paid = { ...shop.payment, isPaid: true }
    const ledgers = { ...deps.ledgers, credit: () => Promise.reject(new Error('ended')) }
    await expect(settle({ ...deps, ledgers }, 'stripe', paid, systemAt(1))).rejects.toThrow('ended')
    expect(deposits(store)).toBe(0)
    const state = await deps.bus.current(settlement, settlementIdOf('stripe', 'cs_1'))
    if (state.status !== 'confirmed') throw new Error('it is confirmed')
    // The deposit alone, as before a crash.
    const deposit = { depositId: state.credit.depositId, settlementId: state.notice.settlementId }
    await deps.ledgers.credit(
      accountId,
      { ...deposit, provider: 'stripe', usdMicros: 20_000_000n },
      state.credit.period,
      systemAt(2),
    )
    await credit(purchasingOn(store, shop), state.notice, state.credit, systemAt(3))
    expect(deposits(store)).toBe(1)
    expect(await deps.ledgers.balance(accountId)).toMatchObject({ availableMicros: 20_000_000n })
  })

  it.each([{ usdCents: 1_999n }, { currency: 'eur' }])(
    'that is not what was sold is credited to nobody: %o',
    async (other) => {
      const store = emptyLog()
      const shop = shopWith()
      const deps = purchasingOn(store, shop)
      await open(deps, 'one')
      const state = await settle(deps, 'stripe', { ...shop.payment, isPaid: true, ...other }, systemAt(1))
      expect(state.status).toBe('mismatched')
      expect(deposits(store)).toBe(0)
    },
  )

  it('that nobody has opened here is noticed once, and credited to nobody', async () => {
    const store = emptyLog()
    const deps = purchasingOn(store, shopWith())
    const stranger = { ...shopWith().payment, providerId: 'cs_9', isPaid: true, checkoutId: 'of another shop' }
    for (const seconds of [1, 2]) await settle(deps, 'stripe', stranger, systemAt(seconds))
    expect(store.events().map(({ type }) => type)).toStrictEqual(['killatamata.UnmatchedPaymentNoticed.v1'])
  })

  it.each([
    ['the provider does not know', undefined],
    ['is of another checkout for the provider', 'of another shop'],
  ])('that names a checkout of ours, and %s, is credited to nobody', async (_, checkoutId) => {
    const store = emptyLog()
    const shop = shopWith()
    await open(purchasingOn(store, shop), 'one')
    const [asked] = store.events()
    const foreign = { ...shop.payment, providerId: 'cs_foreign', isPaid: true }
    const find = async () => (checkoutId === undefined ? undefined : { ...foreign, checkoutId })
    const deps = purchasingOn(store, { ...shop, find })
    const payment = { ...foreign, checkoutId: String(asked?.data.checkoutId) }
    await takeShopEvent(deps, 'stripe', { kind: 'payment', payment }, systemAt(1))
    expect(deposits(store)).toBe(0)
    expect(store.events().at(-1)?.type).toBe('killatamata.UnmatchedPaymentNoticed.v1')
  })

  it('that goes back after it was spent is owed, and counted once however often that is told', async () => {
    const store = emptyLog()
    const shop = shopWith({ isPaid: true })
    const deps = purchasingOn(store, shop)
    await open(deps, 'one')
    await settle(deps, 'stripe', shop.payment, systemAt(1))
    const hold = { holdId: 'hold_1', jobId: 'job_1', usdMicros: 15_000_000n }
    await deps.ledgers.hold(accountId, [hold], systemAt(2))
    await deps.ledgers.capture(accountId, 'hold_1', 15_000_000n, systemAt(3))
    const refunded = {
      kind: 'reversed',
      paymentIntentId: 'pi_1',
      by: { cause: 'refund', refundedCents: 2_000n },
    } as const
    for (const seconds of [4, 5]) await takeShopEvent(deps, 'stripe', refunded, systemAt(seconds))
    const dispute = { cause: 'dispute', disputeId: 'dp_1', disputedCents: 2_000n } as const
    await takeShopEvent(deps, 'stripe', { ...refunded, by: dispute }, systemAt(6))
    expect(await deps.ledgers.balance(accountId)).toStrictEqual({
      ...{ availableMicros: 0n, heldMicros: 0n, owedMicros: 15_000_000n },
    })
    await expect(deps.ledgers.hold(accountId, [{ ...hold, holdId: 'hold_2' }], systemAt(7))).rejects.toMatchObject({
      code: 'insufficient_balance',
    })
  })

  it('is credited where it comes after its refund was told', async () => {
    const store = emptyLog()
    const shop = shopWith({ isPaid: true })
    const deps = purchasingOn(store, shop)
    await open(deps, 'one')
    const refunded = {
      kind: 'reversed',
      paymentIntentId: 'pi_1',
      by: { cause: 'refund', refundedCents: 500n },
    } as const
    await takeShopEvent(deps, 'stripe', refunded, systemAt(1))
    await settle(deps, 'stripe', shop.payment, systemAt(2))
    expect(await deps.ledgers.balance(accountId)).toMatchObject({ availableMicros: 15_000_000n })
  })
})
