/**
 * What an event may say after those before it in its stream. Nothing here knows an aggregate: folds, books and counted
 * fields are declared, and the rules are of the kind that hold for all of them.
 */
import type { AnyEvent } from '../events/event.ts'
import type { AuditRules, Fold, OpenBook } from './declarations.ts'

/** What is remembered of a stream between its events. */
export interface Memory {
  state: unknown
  /** Undefined where the stream has none, or was taken up in its midst. */
  fold: Fold | undefined
  /** Of the stream's first event. */
  firstType: string
  /** Of the last event that carried one. */
  sequence: number | undefined
  books: readonly OpenBook[]
}

/** `isFromStart`: the stream is read from its first event. */
export function newMemory(rules: AuditRules, stream: string, isFromStart: boolean): Memory {
  const fold = isFromStart ? rules.foldOf(stream) : undefined
  const books = rules.streamBooksOf(stream).map((book) => book.open(isFromStart))
  return { state: fold?.initialState, fold, firstType: '', sequence: isFromStart ? 0 : undefined, books }
}

export interface Fault {
  kind: 'transition' | 'balance'
  detail: string
}

const statusOf = (state: unknown): string | undefined => {
  const status = (state as { status?: unknown } | null | undefined)?.status
  return typeof status === 'string' ? status : undefined
}

/** Takes the event into the memory and answers what it breaks. */
export function advance(memory: Memory, rules: AuditRules, event: AnyEvent, revision: bigint): Fault[] {
  const details = [...sequenceFaults(memory, rules, event), ...creationFaults(memory, rules, event, revision)]
  if (memory.fold) details.push(...foldFaults(memory, memory.fold, event))
  if (revision === 0n) memory.firstType = event.type
  const sums = memory.books.flatMap((book) => book.enter(event))
  return [
    ...sums.map((detail) => ({ kind: 'balance' as const, detail })),
    ...details.map((detail) => ({ kind: 'transition' as const, detail })),
  ]
}

function creationFaults({ firstType }: Memory, rules: AuditRules, { type }: AnyEvent, revision: bigint): string[] {
  const isAgain = revision > 0n && type === firstType && rules.mentionOf(type)?.isCreation === true
  return isAgain ? ['made a second time'] : []
}

function foldFaults(memory: Memory, fold: Fold, event: AnyEvent): string[] {
  const before = statusOf(memory.state)
  try {
    memory.state = fold.evolve(memory.state, event)
  } catch (error) {
    return [`the fold refuses it: ${error instanceof Error ? error.message : error}`]
  }
  const faults: string[] = []
  const after = statusOf(memory.state)
  if (before === 'absent' && after === 'absent') faults.push('happens to something that does not exist')
  const { from, to } = event.data
  if (typeof from === 'string' && typeof to === 'string' && after === to && before !== from) {
    faults.push(`says that it was ${from}, but it was ${before}`)
  }
  return faults
}

/** Where a field counts a stream's events, no number is left out and none stands twice. */
function sequenceFaults(memory: Memory, rules: AuditRules, { type, data }: AnyEvent): string[] {
  const field = rules.sequenceFieldOf(type)
  const sequence = field === undefined ? undefined : data[field]
  if (typeof sequence !== 'number') return []
  const expected = memory.sequence === undefined ? sequence : memory.sequence + 1
  memory.sequence = sequence
  return sequence === expected ? [] : [`has number ${sequence} instead of ${expected}`]
}
