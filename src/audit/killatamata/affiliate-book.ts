/**
 * The book of an affiliate: the postings of each event sum to zero, what is payable is what is pending, available and requested less
 * what is owed, nothing is below zero, and a commission, a request and a payout come once.
 */
import type { AnyEvent } from '../../events/event.ts'
import type { Book, OpenBook } from '../declarations.ts'

type Stated = Record<string, unknown>

const AMOUNTS = ['pendingMicros', 'availableMicros', 'owedMicros', 'requestedMicros', 'paidMicros', 'reversedMicros']

const amountOf = (value: unknown): bigint => (typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : 0n)
const listOf = (value: unknown): Stated[] => (Array.isArray(value) ? (value as Stated[]) : [])
const signed = ({ side, usdMicros }: Stated): bigint => (side === 'credit' ? amountOf(usdMicros) : -amountOf(usdMicros))

/** What comes once, by the last part of the event's name: which member names it. */
const ONCE: Readonly<Record<string, string>> = {
  ...{ CommissionEarned: 'commissionId', PayoutRequested: 'payoutRequestId', PayoutPaid: 'payoutId' },
}

export const affiliateBook: Book = {
  name: 'the commissions of an affiliate',
  open(isFromStart): OpenBook {
    let payable = isFromStart ? 0n : undefined
    const seen = new Set<string>()

    function moneyFaults({ data }: AnyEvent): string[] {
      if (data.after === undefined) return []
      const after = data.after as Stated
      const postings = listOf(data.postings)
      const sum = postings.reduce((total, each) => total + signed(each), 0n)
      const change = postings
        .filter(({ account }) => account === 'affiliate_payable')
        .reduce((total, each) => total + signed(each), 0n)
      const stated =
        amountOf(after.pendingMicros) +
        amountOf(after.availableMicros) +
        amountOf(after.requestedMicros) -
        amountOf(after.owedMicros)
      const made = payable === undefined ? stated : payable + change
      payable = stated
      return [
        ...(sum === 0n ? [] : [`the postings sum to ${sum}`]),
        ...(made === stated ? [] : [`${stated} is payable, but the postings make ${made}`]),
        ...AMOUNTS.filter((name) => amountOf(after[name]) < 0n).map((name) => `${name} is ${after[name]}`),
      ]
    }

    function repeats({ type, data }: AnyEvent): string[] {
      const member = ONCE[type.split('.')[1] ?? '']
      if (member === undefined) return []
      const id = String(data[member])
      if (seen.has(id)) return [`${id} comes a second time`]
      seen.add(id)
      return []
    }

    return { enter: (event) => [...moneyFaults(event), ...repeats(event)] }
  },
}
