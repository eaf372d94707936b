/**
 * The frame of every auditor's read: a place among those that walk over the log, a budget, and the events that the key
 * opens. What is read is recorded before anything of it is shown.
 */
import { type Ground, QuestionTooLarge } from '../../audit/history.ts'
import { createBudget } from '../../audit/scan.ts'
import { everything, scopeOf } from '../../audit/scope.ts'
import type { CommandContext } from '../../commands/handle.ts'
import type { ReadingEvent } from '../../events/audit/reading.ts'
import type { Caller } from '../operation.ts'
import { ALL_OPERATORS, type Auditor, type AuditParts } from './access.ts'
import { refuse } from './errors.ts'
import { seesEverything } from './positions.ts'

type FrameField =
  | 'keyId'
  | 'auditor'
  | 'operatorId'
  | 'clientAddress'
  | 'upTo'
  | 'eventsRead'
  | 'continued'
  | 'occurredAt'
type OwnData<E extends ReadingEvent> = E extends ReadingEvent
  ? { type: E['type']; data: Omit<E['data'], FrameField> }
  : never
/** A reading's event, less what the frame knows of every one. */
export type Question = OwnData<ReadingEvent>

export interface Found<T> {
  /** Undefined: there is no such thing, or none that the key opens. */
  answer: T | undefined
  /** Position of the last event that was looked at. */
  last: bigint | undefined
}

/** What the frame takes of a request. */
export interface AuditRequest extends AuditParts {
  principal: Auditor
  caller: Caller
  command: CommandContext
}

/**
 * Reads, records, and only then answers. Throws a Problem: audit_busy, audit_subject_not_found; and StoreUnavailable
 * where the log cannot be read or the reading not be recorded.
 */
export async function audited<T>(
  request: AuditRequest,
  question: Question,
  continued: boolean,
  read: (ground: Ground) => Promise<Found<T>>,
): Promise<T> {
  const leave = await request.gate.enter(request.principal.operatorId)
  try {
    const ground = await groundOf(request)
    const { answer, last } = await read(ground).catch(asProblem)
    await record(request, question, { continued, upTo: last?.toString() ?? null, eventsRead: ground.budget.spent() })
    if (answer === undefined) throw nothing()
    return answer
  } finally {
    leave()
  }
}

/** What the reader may read, with a budget of its own. */
export async function groundOf(request: Omit<AuditRequest, 'command'>): Promise<Ground> {
  const { log, rules, personKeys, ownersOf, knownOwners, limits, caughtUp, principal, caller } = request
  const { eventsMax, timeMaxMs } = limits
  const budget = createBudget({ eventsMax, timeMaxMs, signal: caller.signal() })
  if (seesEverything(principal)) return { log, scope: everything, budget, rules, personKeys }
  // Whose a stream is that has just begun, the read models know a moment later; past the bound it stays unseen.
  await caughtUp()
  const scope = scopeOf(principal.operatorId, { ownersOf, known: knownOwners, rules })
  // A reader may not learn how much of the log is other tenants'.
  const isSealed = rules.hidesPersons
  return { log, scope, budget: { ...budget, spent: scope.admitted }, rules, personKeys, isSealed }
}

async function record(
  { recorder, principal, caller, command, clock }: AuditRequest,
  { type, data }: Question,
  outcome: { continued: boolean; upTo: string | null; eventsRead: number },
): Promise<void> {
  const { keyId, operatorId, actor } = principal
  const at = clock().toISOString()
  const who = {
    keyId,
    auditor: actor.id,
    operatorId: operatorId === ALL_OPERATORS ? null : operatorId,
    clientAddress: caller.address(),
  }
  const event = { type, data: { ...data, ...who, ...outcome, occurredAt: at } } as ReadingEvent
  await recorder.record(event, { ...command, at })
}

function asProblem(error: unknown): never {
  if (error instanceof QuestionTooLarge) throw refuse('audit_too_large', `Ask the command line: ${error.message}.`)
  throw error
}

const nothing = () => refuse('audit_subject_not_found', 'This key opens no event about what was asked for.')
