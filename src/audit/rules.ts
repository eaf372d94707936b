/**
 * What an event may say after those before it in its stream. Nothing here knows an aggregate: the folds are given, and
 * the rules are of the kind that hold for all of them.
 */
import type { AnyEvent } from '../events/event.ts'
import { enter, type Ledger, newLedger } from './ledger.ts'

/** The part of a decider that history needs. */
export interface Fold {
  category: string
  initialState: unknown
  evolve(state: unknown, event: AnyEvent): unknown
}

/** What is remembered of a stream between its events. */
export interface Memory {
  state: unknown
  /** Of the stream's first event. */
  firstType: string
  /** Of the last event that carried one. */
  sequence: number | undefined
  ledger: Ledger
}

export const newMemory = (fold: Fold | undefined): Memory => ({
  state: fold?.initialState,
  firstType: '',
  sequence: undefined,
  ledger: newLedger(),
})

export interface Fault {
  kind: 'transition' | 'balance'
  detail: string
}

const CREATION = /\.[A-Z]\w*(Opened|Created|Provisioned|Claimed)\.v\d+$/
const ENGINE = /^[a-z]+\.Engine/

const statusOf = (state: unknown): string | undefined => {
  const status = (state as { status?: unknown } | null | undefined)?.status
  return typeof status === 'string' ? status : undefined
}

/** Takes the event into the memory and answers what it breaks. */
export function advance(memory: Memory, fold: Fold | undefined, event: AnyEvent, revision: bigint): Fault[] {
  const faults = sequenceFaults(memory, event)
  for (const detail of enter(memory.ledger, event)) faults.push({ kind: 'balance', detail })
  if (fold) faults.push(...foldFaults(memory, fold, event, revision))
  if (revision === 0n) memory.firstType = event.type
  return faults
}

function foldFaults(memory: Memory, fold: Fold, event: AnyEvent, revision: bigint): Fault[] {
  const faults: Fault[] = []
  const fault = (detail: string) => faults.push({ kind: 'transition', detail })
  const before = statusOf(memory.state)
  if (CREATION.test(event.type) && event.type === memory.firstType && revision > 0n) fault('made a second time')
  try {
    memory.state = fold.evolve(memory.state, event)
  } catch (error) {
    fault(`the fold refuses it: ${error instanceof Error ? error.message : error}`)
    return faults
  }
  const after = statusOf(memory.state)
  if (before === 'absent' && after === 'absent') fault('happens to something that does not exist')
  const { from, to } = event.data
  if (typeof from === 'string' && typeof to === 'string' && after === to && before !== from) {
    fault(`says that it was ${from}, but it was ${before}`)
  }
  return faults
}

/** The engine numbers what it says, and what is asked of it, without gaps. */
function sequenceFaults(memory: Memory, { type, data }: AnyEvent): Fault[] {
  const { sequence } = data
  if (!ENGINE.test(type) || typeof sequence !== 'number') return []
  const expected = (memory.sequence ?? 0) + 1
  memory.sequence = sequence
  return sequence === expected ? [] : [{ kind: 'transition', detail: `has number ${sequence} instead of ${expected}` }]
}
