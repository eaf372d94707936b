/**
 * The book of a wallet: what each event moves makes the balance that it states, the lots add up to it, and what was held for
 * a job comes back or is paid, to the cent. A purchase's bonus is that of its pack. What came before the first event that is
 * read is not missed.
 */
import type { AnyEvent } from '../../events/event.ts'
import type { Book, OpenBook } from '../declarations.ts'

/** Bonus of each pack, both in cents. */
const BONUSES: ReadonlyMap<string, string> = new Map([
  ['2500', '125'],
  ['5000', '500'],
  ['10000', '1500'],
  ['25000', '5000'],
])
const COMES_IN = /\.(CreditsGranted|CreditsPurchased|EscrowRefunded)\.v/
const GOES_OUT = /\.(CreditsExpired|CreditsClawedBack|EscrowHeld)\.v/
const MAKES_LOT = /\.Credits(Granted|Purchased)\.v/

interface Part {
  lotId: string
  endsAt: string
  amountCents: string
  remainingCents: string
}
interface Hold {
  amount: bigint
  price: bigint
}
interface Memory {
  isFromStart: boolean
  balance: bigint | undefined
  /** Id and end → what is left of it. */
  lots: Map<string, bigint>
  holds: Map<string, Hold>
  /** Source of a purchase → what was bought. */
  bought: Map<string, string>
}

export const walletBook: Book = {
  name: 'the book of a wallet',
  open(isFromStart): OpenBook {
    const memory: Memory = {
      ...{ isFromStart, balance: isFromStart ? 0n : undefined },
      ...{ lots: new Map(), holds: new Map(), bought: new Map() },
    }
    return {
      enter: (event) => [
        ...balanceFaults(memory, event),
        ...lotFaults(memory, event),
        ...escrowFaults(memory, event),
        ...bonusFaults(memory, event),
      ],
    }
  },
}

const amountOf = (value: unknown): bigint => (typeof value === 'string' && /^\d+$/.test(value) ? BigInt(value) : 0n)
const partsOf = ({ parts }: AnyEvent['data']): readonly Part[] => (Array.isArray(parts) ? (parts as Part[]) : [])
const keyOf = (lotId: unknown, endsAt: unknown): string => `${lotId} ${endsAt}`

/** The balance before and the movement make the balance after: so it is the sum of all transactions. */
function balanceFaults(memory: Memory, { type, data }: AnyEvent): string[] {
  const amount = amountOf(data.amountCents)
  const change = COMES_IN.test(type) ? amount : GOES_OUT.test(type) ? -amount : 0n
  const stated = amountOf(data.balanceCents)
  const before = memory.balance
  memory.balance = stated
  if (before === undefined || before + change === stated) return []
  return [`the balance is ${stated}, but ${before} and a change of ${change} make ${before + change}`]
}

function lotFaults({ lots, isFromStart, balance = 0n }: Memory, { type, data }: AnyEvent): string[] {
  const faults: string[] = []
  const parts = partsOf(data)
  const moved = parts.reduce((sum, { amountCents }) => sum + amountOf(amountCents), 0n)
  if (parts.length > 0 && moved !== amountOf(data.amountCents)) {
    faults.push(`${data.amountCents} cents moved, but the lots' parts make ${moved}`)
  }
  if (MAKES_LOT.test(type)) lots.set(keyOf(data.transactionId, data.endsAt), amountOf(data.amountCents))
  if (/\.CreditsExpired\.v/.test(type)) lots.delete(keyOf(data.lotId, data.endsAt))
  for (const { lotId, endsAt, remainingCents } of parts) {
    const remaining = amountOf(remainingCents)
    if (remaining === 0n) lots.delete(keyOf(lotId, endsAt))
    else lots.set(keyOf(lotId, endsAt), remaining)
  }
  if (!isFromStart) return faults
  const sum = lots.values().reduce((total, each) => total + each, 0n)
  return sum === balance ? faults : [...faults, `the balance is ${balance}, but the lots hold ${sum}`]
}

/** Refund + approved files at their price = hold, and with all files paid = hold. */
function escrowFaults({ holds, isFromStart }: Memory, { type, data }: AnyEvent): string[] {
  if (/\.EscrowHeld\.v/.test(type)) {
    const job = (data.job ?? {}) as Record<string, unknown>
    const amount = amountOf(data.amountCents)
    holds.set(String(job.jobId), { amount, price: amountOf(job.pricePerFileCents) })
    return amount === 0n || amount === amountOf(job.totalCostCents)
      ? []
      : [`${amount} cents were held for a job of ${String(job.totalCostCents)}`]
  }
  const returned = /\.EscrowRefunded\.v/.test(type) ? data.amountCents : undefined
  const paid = /\.EscrowSettled\.v/.test(type) ? data.paidCents : undefined
  if (returned === undefined && paid === undefined) return []
  const hold = holds.get(String(data.jobId))
  if (!hold) return isFromStart ? [`nothing was held for ${String(data.jobId)}`] : []
  holds.delete(String(data.jobId))
  const { amount, price } = hold
  const files = amount === 0n ? 0n : price * BigInt(Number(data.filesApproved))
  const faults = files + amountOf(returned) === amount ? [] : [`${amount} cents were held, ${files} of them for files`]
  return paid === undefined || amountOf(paid) === files
    ? faults
    : [...faults, `${String(paid)} cents were paid for files of ${files}`]
}

function bonusFaults({ bought, isFromStart }: Memory, { type, data }: AnyEvent): string[] {
  if (!/\.CreditsPurchased\.v/.test(type)) return []
  const source = JSON.stringify(data.source ?? null)
  const amount = String(data.amountCents)
  if (data.kind === 'purchase') {
    bought.set(source, amount)
    return []
  }
  const pack = bought.get(source)
  if (pack === undefined) return isFromStart ? ['a bonus came without a purchase'] : []
  const expected = BONUSES.get(pack) ?? 'none'
  return expected === amount ? [] : [`the bonus of ${pack} cents is ${expected}, but ${amount} were added`]
}
