/** Codes, bindings and commissions over their streams: once, whoever comes first, and however often a step is repeated. */
import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSignedTokens } from '../../../src/adapters/identity/signed-tokens.ts'
import { account } from '../../../src/commands/killatamata/account.ts'
import { affiliate } from '../../../src/commands/killatamata/affiliate.ts'
import { affiliateCode } from '../../../src/commands/killatamata/affiliate-code.ts'
import { referralCodeOf } from '../../../src/commands/killatamata/ids.ts'
import { Rejected } from '../../../src/commands/rejection.ts'
import type { LedgerEvent } from '../../../src/events/killatamata/ledger.ts'
import type { EventStore } from '../../../src/events/store.ts'
import { createCommissionFollower, earn, takeBack } from '../../../src/processes/killatamata/commissions.ts'
import {
  bindAtCheckout,
  bindReferral,
  createClicks,
  ownCode,
  type Referring,
  referrerOf,
} from '../../../src/processes/killatamata/referring.ts'
import { accountId, at, emptyLog, otherAccountId, processOn, systemAt } from '../../commands/killatamata/story.ts'
import type { MemoryStore } from '../../support/memory-store.ts'

const terms = {
  ...{ commissionBasisPoints: 1_000, commissionMonths: 12, holdMs: 0, payoutMinimumMicros: 1_000_000n },
  ...{ isReviewed: false, captureMs: 1_000 },
}
const captureTokens = createSignedTokens(async () => Buffer.alloc(32, 7))

const referringOn = (store: MemoryStore): Referring => ({ bus: processOn(store).bus, terms, captureTokens })

/** Two accounts, of which the first is an affiliate. */
async function people(parts: Referring): Promise<void> {
  const { bus } = parts
  for (const [who, email] of [
    [accountId, 'ada@example.com'],
    [otherAccountId, 'ben@example.com'],
  ] as const) {
    await bus.handle(account, who, { kind: 'open', accountId: who, email, at: at(0) }, systemAt(0))
  }
  const application = { displayName: 'Ada', contactEmail: 'ada@example.com', countryCode: null, payoutAddress: null }
  const apply = {
    kind: 'apply',
    accountId,
    application: { ...application, termsVersion: null },
    isReviewed: false,
  } as const
  await bus.handle(affiliate, accountId, { ...apply, at: at(0) }, systemAt(0))
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'taken'
  } catch (error) {
    if (error instanceof Rejected) return error.code
    throw error
  }
}

type Credited = Extract<LedgerEvent, { type: 'killatamata.DepositCredited.v1' }>['data']
const credited = (n: number, seconds: number, usdMicros = '20000000') => ({
  data: {
    accountId: otherAccountId,
    depositId: `dep_${n}`,
    provider: 'stripe',
    usdMicros,
    occurredAt: at(seconds),
  } as Credited,
})

const recorded = (n: number) => ({ id: hash('sha1', `event ${n}`), metadata: { $correlationId: 'c' } })

describe('a code', () => {
  it('is one, of fifty requests at once in five processes', async () => {
    const store = emptyLog()
    const processes = Array.from({ length: 5 }, () => referringOn(store))
    const [first] = processes as [Referring]
    await people(first)
    const codes = await Promise.all(
      Array.from({ length: 50 }, (_, n) => ownCode(processes[n % 5] ?? first, accountId, systemAt(n))),
    )
    expect(new Set(codes.map(({ code }) => code))).toStrictEqual(new Set([referralCodeOf(accountId, 0)]))
    expect(store.events().filter(({ type }) => type === 'killatamata.ReferralCodeIssued.v1')).toHaveLength(1)
  })

  it('of another affiliate is passed over', async () => {
    const parts = referringOn(emptyLog())
    await people(parts)
    const taken = referralCodeOf(accountId, 0)
    const issue = { kind: 'issue', code: taken, accountId: otherAccountId, at: at(0) } as const
    await parts.bus.handle(affiliateCode, taken, issue, systemAt(0))
    expect((await ownCode(parts, accountId, systemAt(1))).code).toBe(referralCodeOf(accountId, 1))
  })

  it('is read in any case, and is nobody’s once its affiliate is forgotten', async () => {
    const parts = referringOn(emptyLog())
    await people(parts)
    const { code } = await ownCode(parts, accountId, systemAt(1))
    expect(await referrerOf(parts, ` ${code.toLowerCase()} `)).toMatchObject({ code, displayName: 'Ada' })
    expect(await referrerOf(parts, 'NOBODYS1')).toBeUndefined()
    const forget = { kind: 'forget', accountId, reference: null, at: at(2) } as const
    await parts.bus.handle(account, accountId, forget, systemAt(2))
    expect(await referrerOf(parts, code)).toBeUndefined()
  })

  it('counts every click, also of many at once', async () => {
    const store = emptyLog()
    const parts = referringOn(store)
    await people(parts)
    const { code } = await ownCode(parts, accountId, systemAt(1))
    const click = createClicks(parts)
    await Promise.all(Array.from({ length: 200 }, () => click(code, systemAt(2))))
    expect(await parts.bus.current(affiliateCode, code)).toMatchObject({ clicks: 200 })
    expect(store.events().filter(({ type }) => type === 'killatamata.ReferralCaptured.v1').length).toBeLessThan(10)
  })
})

describe('a binding', () => {
  it('is made once for ever, and counts one sign-up', async () => {
    const parts = referringOn(emptyLog())
    await people(parts)
    const { code } = await ownCode(parts, accountId, systemAt(1))
    const bind = (who: string, of: string, seconds: number) =>
      bindReferral(parts, { accountId: who, code: of, capturedAt: null }, systemAt(seconds))
    const first = await bind(otherAccountId, code, 5)
    expect((await bind(otherAccountId, code.toLowerCase(), 9)).facts).toStrictEqual(first.facts)
    expect(first.facts.commissionUntil).toBe('2027-09-01T10:00:05.000Z')
    expect(await codeOf(bind(accountId, code, 6))).toBe('affiliate_self_referral')
    expect(await codeOf(bind(otherAccountId, 'NOBODYS1', 6))).toBe('affiliate_code_not_found')
    expect(await parts.bus.current(affiliateCode, code)).toMatchObject({ signups: 1 })
    const other = 'OTHER123'
    const issue = { kind: 'issue', code: other, accountId, at: at(7) } as const
    await parts.bus.handle(affiliateCode, other, issue, systemAt(7))
    expect(await codeOf(bind(otherAccountId, other, 8))).toBe('affiliate_already_bound')
  })

  it('comes with a checkout, which an older one does not stop', async () => {
    const parts = referringOn(emptyLog())
    await people(parts)
    const { code } = await ownCode(parts, accountId, systemAt(1))
    expect(await bindAtCheckout(parts, otherAccountId, undefined, systemAt(2))).toBeNull()
    expect(await bindAtCheckout(parts, otherAccountId, code, systemAt(3))).toStrictEqual({ bound: true })
    const issue = { kind: 'issue', code: 'OTHER123', accountId, at: at(4) } as const
    await parts.bus.handle(affiliateCode, 'OTHER123', issue, systemAt(4))
    expect(await bindAtCheckout(parts, otherAccountId, 'other123', systemAt(5))).toStrictEqual({
      ...{ bound: false, reason: 'already_bound' },
    })
    expect(await codeOf(bindAtCheckout(parts, accountId, code, systemAt(6)))).toBe('affiliate_self_referral')
    expect(await codeOf(bindAtCheckout(parts, accountId, 'NOBODYS1', systemAt(6)))).toBe('affiliate_code_not_found')
  })
})

describe('deposits', () => {
  const standing = async ({ bus }: Referring) => {
    const state = await bus.current(affiliate, accountId)
    if (state.status === 'absent') throw new Error('nobody has applied')
    return state.standing
  }

  it('bring commission from the binding on, once each, until the term ends', async () => {
    const parts = referringOn(emptyLog())
    await people(parts)
    const { code } = await ownCode(parts, accountId, systemAt(1))
    const own = { bus: parts.bus, terms: { holdMs: 0 } }
    await bindReferral(parts, { accountId: otherAccountId, code, capturedAt: null }, systemAt(10))
    const year = 365 * 86_400
    for (const [n, seconds] of [
      [1, 9],
      [2, 11],
      [2, 11],
      [3, year + 11],
    ] as const) {
      await earn(own, credited(n, seconds), systemAt(seconds + 1, hash('sha1', `${n}`)))
    }
    expect(await standing(parts)).toMatchObject({
      availableMicros: '2000000',
      payingAccounts: 1,
      depositsUsdCents: '2000',
    })
  })

  it('of an account that is bound to nobody ask the log once, until its binding comes', async () => {
    const memory = emptyLog()
    const parts = referringOn(memory)
    await people(parts)
    const { code } = await ownCode(parts, accountId, systemAt(1))
    const read: string[] = []
    const store: EventStore = {
      ...memory.store,
      readStream(stream, range) {
        read.push(stream)
        return memory.store.readStream(stream, range)
      },
    }
    const { bus } = processOn({ ...memory, store })
    const follower = createCommissionFollower({ bus, terms: { holdMs: 0 } }, () => new Date(at(20)))
    const deposit = (n: number, seconds: number) =>
      follower.follow({ ...recorded(n), type: 'killatamata.DepositCredited.v1', ...credited(n, seconds) } as never)
    const ofBinding = () => read.filter((stream) => stream.startsWith('killatamata.affiliateBinding-')).length
    for (const n of [1, 2, 3]) await deposit(n, n)
    expect(ofBinding()).toBe(1)
    follower.startOver()
    await deposit(4, 4)
    expect(ofBinding()).toBe(2)
    await bindReferral(parts, { accountId: otherAccountId, code, capturedAt: null }, systemAt(5))
    const bound = memory.events().find(({ type }) => type === 'killatamata.ReferralBound.v1')
    await follower.follow(bound as never)
    await deposit(6, 6)
    expect(await standing(parts)).toMatchObject({ payingAccounts: 1, availableMicros: '2000000' })
  })

  it('of accounts that are bound to nobody bring none', async () => {
    const store = emptyLog()
    const parts = referringOn(store)
    await people(parts)
    await earn({ bus: parts.bus, terms: { holdMs: 0 } }, credited(1, 5), systemAt(6))
    expect(store.events().filter(({ type }) => type.includes('Commission'))).toStrictEqual([])
  })

  it('that go back take their commission with them, however often it is told', async () => {
    const parts = referringOn(emptyLog())
    await people(parts)
    const { code } = await ownCode(parts, accountId, systemAt(1))
    await bindReferral(parts, { accountId: otherAccountId, code, capturedAt: null }, systemAt(2))
    await earn({ bus: parts.bus, terms: { holdMs: 0 } }, credited(1, 5), systemAt(6))
    const back = {
      data: { accountId: otherAccountId, depositId: 'dep_1', creditedAt: at(5), reversedMicros: '5000000' } as never,
    }
    for (const seconds of [7, 8]) await takeBack(parts, back, systemAt(seconds))
    expect(await standing(parts)).toMatchObject({ availableMicros: '1500000', reversedMicros: '500000' })
  })
})

describe('a token of a link', () => {
  it('says the code until its end, and no other key makes one', async () => {
    const times = { at: new Date(at(0)), expiresAt: new Date(at(60)) }
    const token = await captureTokens.sign({ code: 'ADA2026' }, times)
    expect(await captureTokens.read(token, new Date(at(30)))).toMatchObject({ claims: { code: 'ADA2026' }, ...times })
    expect(await captureTokens.read(token, new Date(at(61)))).toBeUndefined()
    expect(await captureTokens.read(`${token}x`, new Date(at(30)))).toBeUndefined()
    const forged = await createSignedTokens(async () => Buffer.alloc(32, 8)).sign({ code: 'ADA2026' }, times)
    expect(await captureTokens.read(forged, new Date(at(30)))).toBeUndefined()
  })
})
