/** The book of a ledger, on what the decider itself makes: in order as it is, and not after a forgery. */
import { describe, expect, it } from 'vitest'
import { ledgerBook } from '../../../src/audit/killatamata/ledger-book.ts'
import { fold } from '../../../src/commands/decider.ts'
import { ledger } from '../../../src/commands/killatamata/ledger.ts'
import type { AnyEvent } from '../../../src/events/event.ts'
import type { LedgerEvent } from '../../../src/events/killatamata/ledger.ts'
import { accountId, at } from '../../commands/killatamata/story.ts'

/** A deposit, two holds, a capture, a release, a refund beyond what is left, and the next period. */
function story(): { first: LedgerEvent[]; second: LedgerEvent[] } {
  const periods: [LedgerEvent[], LedgerEvent[]] = [[], []]
  const does = (period: 1 | 2, order: object) => {
    const events = periods[period - 1] ?? []
    const command = { ...order, accountId, period, at: at(events.length) } as Parameters<typeof ledger.decide>[0]
    events.push(...ledger.decide(command, fold(ledger, events)))
  }
  const hold = (n: number, usdMicros: bigint) => ({ holdId: `hold_${n}`, jobId: `job_${n}`, usdMicros })
  does(1, { kind: 'deposit', depositId: 'dep_1', settlementId: 's1', provider: 'stripe', usdMicros: 1_000n })
  does(1, { kind: 'hold', holds: [hold(1, 300n), hold(2, 200n), hold(3, 100n)] })
  does(1, { kind: 'capture', holdId: 'hold_1', capturedMicros: 250n })
  does(1, { kind: 'release', holdId: 'hold_2', reason: 'job_failed' })
  does(1, { kind: 'reverse', depositId: 'dep_1', cause: 'refund', reversedMicros: 900n })
  does(1, { kind: 'close', eventsMax: 1 })
  does(2, { kind: 'open', from: fold(ledger, periods[0]) })
  does(2, { kind: 'capture', holdId: 'hold_3', capturedMicros: 100n })
  does(2, { kind: 'deposit', depositId: 'dep_2', settlementId: 's2', provider: 'x402', usdMicros: 5_000n })
  return { first: periods[0], second: periods[1] }
}

function faultsOf(events: readonly AnyEvent[], isFromStart = true): string[] {
  const book = ledgerBook.open(isFromStart)
  return events.flatMap((event) => book.enter(event))
}

/** The same with other members in the data of one event. */
const forged = (events: readonly AnyEvent[], index: number, members: object): AnyEvent[] =>
  events.map((event, at) => (at === index ? { ...event, data: { ...event.data, ...members } } : event))

describe('the book of a ledger', () => {
  it('finds nothing in what the decider makes, read from its start or from its midst', () => {
    const { first, second } = story()
    expect(first).toHaveLength(8)
    expect(faultsOf(first)).toStrictEqual([])
    expect(faultsOf(second)).toStrictEqual([])
    for (const from of [1, 3, 5]) expect(faultsOf(first.slice(from), false)).toStrictEqual([])
  })

  it('sees another balance, another posting and another hold', () => {
    const { first } = story()
    const after = { availableMicros: '401', heldMicros: '600', owedMicros: '0' }
    expect(faultsOf(forged(first, 3, { after }))[0]).toContain('available is 401')
    const postings = [{ account: 'available', side: 'credit', usdMicros: '7' }]
    expect(faultsOf(forged(first, 0, { postings }))[0]).toContain('sum to 7')
    expect(faultsOf(forged(first, 4, { releasedMicros: '51' })).join()).toContain('holds 300, and gives 301')
  })

  it('sees a deposit that comes twice and a hold that ends twice', () => {
    const { first } = story()
    const twice = (index: number) => faultsOf([...first.slice(0, index + 1), ...first.slice(index)]).join()
    expect(twice(0)).toContain('dep_1 is credited a second time')
    expect(twice(4)).toContain('hold_1 ends, and is not held')
  })

  it('sees a period that ends with other balances than it has', () => {
    const { first } = story()
    const balances = { availableMicros: '9', heldMicros: '100', owedMicros: '0' }
    expect(faultsOf(forged(first, 7, { balances })).join()).toContain('other balances')
  })
})
