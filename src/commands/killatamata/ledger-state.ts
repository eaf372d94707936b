/** What a period of a ledger knows, folded from its events. */
import type { Balances, LedgerEvent } from '../../events/killatamata/ledger.ts'
import { PartedMap } from '../../runtime/parted-map.ts'

export interface Hold {
  jobId: string
  usdMicros: bigint
  placedAt: string
}

export interface Deposit {
  usdMicros: bigint
  reversedMicros: bigint
  creditedAt: string
}

export interface LedgerState {
  status: 'open' | 'closed'
  /** Of the customer: what can be spent, what open holds have, and what he owes. */
  available: bigint
  held: bigint
  owed: bigint
  holds: PartedMap<Hold>
  /** Holds that ended in this period, with what was captured of each; null: it was released. */
  ended: PartedMap<bigint | null>
  /** Deposits of this period, and those of the last ones that it was opened with. */
  deposits: PartedMap<Deposit>
  /** How many events the period has. */
  length: number
}

export const EMPTY_LEDGER: LedgerState = {
  ...{ status: 'open', available: 0n, held: 0n, owed: 0n },
  ...{ holds: new PartedMap<Hold>(), ended: new PartedMap<bigint | null>(), deposits: new PartedMap<Deposit>() },
  length: 0,
}

const balancesIn = ({ availableMicros, heldMicros, owedMicros }: Balances) => ({
  ...{ available: BigInt(availableMicros), held: BigInt(heldMicros), owed: BigInt(owedMicros) },
})

export function evolveLedger(before: LedgerState, event: LedgerEvent): LedgerState {
  const state = { ...before, length: before.length + 1 }
  if (event.type === 'killatamata.LedgerPeriodClosed.v1') return { ...state, status: 'closed' }
  if (event.type === 'killatamata.LedgerPeriodOpened.v1') return opened(state, event.data)
  const now = { ...state, ...balancesIn(event.data.after) }
  switch (event.type) {
    case 'killatamata.DepositCredited.v1': {
      const { depositId, usdMicros, occurredAt: creditedAt } = event.data
      const deposit = { usdMicros: BigInt(usdMicros), reversedMicros: 0n, creditedAt }
      return { ...now, deposits: now.deposits.with(depositId, deposit) }
    }
    case 'killatamata.HoldPlaced.v1': {
      const { holdId, jobId, usdMicros, occurredAt: placedAt } = event.data
      return { ...now, holds: now.holds.with(holdId, { jobId, usdMicros: BigInt(usdMicros), placedAt }) }
    }
    case 'killatamata.HoldCaptured.v1':
      return without(now, event.data.holdId, BigInt(event.data.capturedMicros))
    case 'killatamata.HoldReleased.v1':
      return without(now, event.data.holdId, null)
    case 'killatamata.DepositReversed.v1': {
      const { depositId, reversedMicros, depositMicros, creditedAt } = event.data
      const deposit = { usdMicros: BigInt(depositMicros), reversedMicros: BigInt(reversedMicros), creditedAt }
      return { ...now, deposits: now.deposits.with(depositId, deposit) }
    }
    default:
      return event satisfies never
  }
}

const without = (state: LedgerState, holdId: string, captured: bigint | null): LedgerState => ({
  ...state,
  holds: state.holds.without(holdId),
  ended: state.ended.with(holdId, captured),
})

type Carried = Pick<
  Extract<LedgerEvent, { type: 'killatamata.LedgerPeriodOpened.v1' }>['data'],
  'balances' | 'holds' | 'deposits'
>

function opened(state: LedgerState, { balances, ...carried }: Carried): LedgerState {
  let { holds, deposits } = state
  for (const { holdId, usdMicros, ...hold } of carried.holds) {
    holds = holds.with(holdId, { ...hold, usdMicros: BigInt(usdMicros) })
  }
  for (const { depositId, usdMicros, reversedMicros, creditedAt } of carried.deposits) {
    const deposit = { usdMicros: BigInt(usdMicros), reversedMicros: BigInt(reversedMicros), creditedAt }
    deposits = deposits.with(depositId, deposit)
  }
  return { ...state, ...balancesIn(balances), holds, deposits }
}

/** A deposit of long ago is looked for in the periods since it was confirmed: a new period does without it. */
const DEPOSIT_CARRIED_MS = 40 * 86_400_000
/** And without those before the latest ones: of whoever pays a dollar at a time there are thousands. */
const DEPOSITS_CARRIED_MAX = 1_000
/** What is carried is one event, of which a store takes 1 MiB. */
const HOLDS_CARRIED_MAX = 5_000

/** Whether the period is to end. With more open holds than the next one could begin with it goes on until there are fewer. */
export const isFull = ({ length, holds }: LedgerState, eventsMax: number): boolean =>
  length >= eventsMax && holds.size <= HOLDS_CARRIED_MAX

/** What the period leaves to the next one. */
export function carriedFrom(state: LedgerState, at: string): Carried {
  const since = Date.parse(at) - DEPOSIT_CARRIED_MS
  return {
    balances: {
      availableMicros: String(state.available),
      heldMicros: String(state.held),
      owedMicros: String(state.owed),
    },
    holds: [...state.holds].map(([holdId, { usdMicros, ...hold }]) => ({
      ...{ holdId, ...hold, usdMicros: String(usdMicros) },
    })),
    deposits: [...state.deposits]
      .filter(([, { creditedAt }]) => Date.parse(creditedAt) >= since)
      .sort(([, one], [, other]) => Date.parse(other.creditedAt) - Date.parse(one.creditedAt))
      .slice(0, DEPOSITS_CARRIED_MAX)
      .map(([depositId, { usdMicros, reversedMicros, creditedAt }]) => ({
        ...{ depositId, creditedAt, usdMicros: String(usdMicros), reversedMicros: String(reversedMicros) },
      })),
  }
}
