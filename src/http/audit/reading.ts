/**
 * The frame of every auditor's read: a place among those that walk over the log, a budget, the events that the key
 * opens, and the record of what was read, which is written before anything of it is shown.
 */
import type { Context } from 'hono'
import type { Ground } from '../../audit/history.ts'
import { createBudget } from '../../audit/scan.ts'
import { everything, scopeOf } from '../../audit/scope.ts'
import type { ReadingEvent } from '../../events/audit/reading.ts'
import { clientAddress } from '../client-address.ts'
import type { AppEnv } from '../environment.ts'
import { plainCommand } from '../idempotency.ts'
import { Problem } from '../problem.ts'
import type { AuditDeps } from './route.ts'

/** In a principal's place of an operator: the auditor may see the events of all. */
export const ALL_OPERATORS = 'all'

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

export const seesEverything = (c: Context<AppEnv>): boolean => c.get('principal').operatorId === ALL_OPERATORS

/**
 * Reads, records, and only then answers. Throws a Problem: audit_busy, audit_subject_not_found; and StoreUnavailable
 * where the log cannot be read or the reading not be recorded.
 */
export async function audited<T>(
  c: Context<AppEnv>,
  deps: AuditDeps,
  question: Question,
  continued: boolean,
  read: (ground: Ground) => Promise<Found<T>>,
): Promise<T> {
  const leave = deps.gate.enter()
  try {
    const ground = await groundOf(c, deps)
    const { answer, last } = await read(ground)
    await record(c, deps, question, { continued, upTo: last?.toString() ?? null, eventsRead: ground.budget.spent() })
    if (answer === undefined) throw nothing()
    return answer
  } finally {
    leave()
  }
}

async function groundOf(c: Context<AppEnv>, deps: AuditDeps): Promise<Ground> {
  const { log, rules, personKeys, ownersOf, knownOwners, limits, waiter, waitMs } = deps
  const { eventsMax, timeMaxMs } = limits
  const budget = createBudget({ eventsMax, timeMaxMs, signal: c.req.raw.signal })
  if (seesEverything(c)) return { log, scope: everything, budget, rules, personKeys }
  // Whose a stream is that has just begun, the read models know a moment later; past the bound it stays unseen.
  const head = await log.head(({ type }) => !type.startsWith('opslog.'))
  if (head !== undefined) await waiter.waitFor(head, waitMs)
  return { log, scope: scopeOf(c.get('principal').operatorId, ownersOf, knownOwners), budget, rules, personKeys }
}

async function record(
  c: Context<AppEnv>,
  { recorder, auditors, trustProxy, clock }: AuditDeps,
  { type, data }: Question,
  outcome: { continued: boolean; upTo: string | null; eventsRead: number },
): Promise<void> {
  const { keyId, operatorId } = c.get('principal')
  const occurredAt = clock().toISOString()
  const who = {
    keyId,
    auditor: auditors.find(keyId)?.name ?? keyId,
    operatorId: operatorId === ALL_OPERATORS ? null : operatorId,
    clientAddress: clientAddress(c, trustProxy),
  }
  const event = { type, data: { ...data, ...who, ...outcome, occurredAt } } as ReadingEvent
  const actor = { kind: 'auditor' as const, id: who.auditor, keyId }
  await recorder.record(event, { ...plainCommand(c, { at: occurredAt }), actor })
}

const nothing = () =>
  new Problem('audit_subject_not_found', 'No event that this key opens tells of what was asked for.')
