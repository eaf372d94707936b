/**
 * The book of an account's ledger, in one period: the postings of each event sum to zero and make the balances that it states, nothing is
 * ever below zero, open holds make what is held, a hold ends once and gives no more than it has, and a deposit comes once. What came
 * before the first event that is read is not missed.
 */
import type { AnyEvent } from '../../events/event.ts'
import type { Book, OpenBook } from '../declarations.ts'

interface Balances {
  available: bigint
  held: bigint
  owed: bigint
}

interface Memory {
  isFromStart: boolean
  balances: Balances | undefined
  holds: Map<string, bigint>
  deposits: Set<string>
}

export const ledgerBook: Book = {
  name: 'the ledger of an account',
  open(isFromStart): OpenBook {
    const memory: Memory = {
      isFromStart,
      balances: isFromStart ? { available: 0n, held: 0n, owed: 0n } : undefined,
      ...{ holds: new Map(), deposits: new Set() },
    }
    return {
      enter: (event) => [
        ...postingFaults(memory, event),
        ...holdFaults(memory, event),
        ...depositFaults(memory, event),
        ...periodFaults(memory, event),
      ],
    }
  },
}

const amountOf = (value: unknown): bigint => (typeof value === 'string' && /^\d+$/.test(value) ? BigInt(value) : 0n)
type Stated = Record<string, unknown>

const balancesOf = (stated: unknown): Balances => {
  const { availableMicros, heldMicros, owedMicros } = (stated ?? {}) as Stated
  return { available: amountOf(availableMicros), held: amountOf(heldMicros), owed: amountOf(owedMicros) }
}
const listOf = (value: unknown): Stated[] => (Array.isArray(value) ? (value as Stated[]) : [])
const signed = ({ side, usdMicros }: Stated): bigint => (side === 'credit' ? amountOf(usdMicros) : -amountOf(usdMicros))

/** Debits and credits are equal, and lead from the balances before to those that the event states. */
function postingFaults(memory: Memory, { data }: AnyEvent): string[] {
  if (!Array.isArray(data.postings)) return []
  const postings = listOf(data.postings)
  const changeOf = (account: string) =>
    postings.filter((each) => each.account === account).reduce((sum, each) => sum + signed(each), 0n)
  const sum = postings.reduce((total, each) => total + signed(each), 0n)
  const faults = sum === 0n ? [] : [`the postings sum to ${sum}`]
  const [before, stated] = [memory.balances, balancesOf(data.after)]
  memory.balances = stated
  if (!before) return faults
  const made = {
    available: before.available + changeOf('available'),
    held: before.held + changeOf('held'),
    // What is owed is an account below zero.
    owed: before.owed - changeOf('owed'),
  }
  for (const name of ['available', 'held', 'owed'] as const) {
    if (made[name] < 0n) faults.push(`${name} would be ${made[name]}`)
    if (made[name] !== stated[name]) faults.push(`${name} is ${stated[name]}, but the postings make ${made[name]}`)
  }
  return faults
}

function holdFaults({ holds, balances, isFromStart }: Memory, { type, data }: AnyEvent): string[] {
  const faults: string[] = []
  const holdId = String(data.holdId)
  if (/\.HoldPlaced\.v/.test(type)) {
    if (holds.has(holdId)) faults.push(`${holdId} is held a second time`)
    holds.set(holdId, amountOf(data.usdMicros))
  } else if (/\.Hold(Captured|Released)\.v/.test(type)) {
    const amount = holds.get(holdId)
    const given = amountOf(data.capturedMicros) + amountOf(data.releasedMicros) + amountOf(data.usdMicros)
    if (amount === undefined && isFromStart) faults.push(`${holdId} ends, and is not held`)
    if (amount !== undefined && amount !== given) faults.push(`${holdId} holds ${amount}, and gives ${given}`)
    holds.delete(holdId)
  }
  if (!isFromStart || balances === undefined || !Array.isArray(data.postings)) return faults
  const sum = holds.values().reduce((total, each) => total + each, 0n)
  return sum === balances.held ? faults : [...faults, `${balances.held} is held, but the open holds make ${sum}`]
}

function depositFaults({ deposits }: Memory, { type, data }: AnyEvent): string[] {
  if (!/\.DepositCredited\.v/.test(type)) return []
  const depositId = String(data.depositId)
  if (deposits.has(depositId)) return [`${depositId} is credited a second time`]
  deposits.add(depositId)
  return []
}

/** A period begins with what it says, and ends with what there is. */
function periodFaults(memory: Memory, { type, data }: AnyEvent): string[] {
  const isOpening = /\.LedgerPeriodOpened\.v/.test(type)
  if (!isOpening && !/\.LedgerPeriodClosed\.v/.test(type)) return []
  const stated = balancesOf(data.balances)
  const holds = new Map(listOf(data.holds).map(({ holdId, usdMicros }) => [String(holdId), amountOf(usdMicros)]))
  const held = holds.values().reduce((total, each) => total + each, 0n)
  const faults = held === stated.held ? [] : [`${stated.held} is held, but the holds that go on make ${held}`]
  if (isOpening) {
    memory.balances = stated
    memory.holds = holds
    memory.deposits = new Set(listOf(data.deposits).map(({ depositId }) => String(depositId)))
    return faults
  }
  const { balances } = memory
  if (!balances) return faults
  const isSame = (['available', 'held', 'owed'] as const).every((name) => balances[name] === stated[name])
  return isSame ? faults : [...faults, 'the period ends with other balances than it has']
}
