/** One mail, from its request to the attempt that ended it: delivered, or given up. Made for a context by `mailOf`. */
import type { AnyEvent } from '../events/event.ts'
import type { MailEvent, MailNames } from '../events/mail.ts'
import { type Aggregate, aggregateOf, type Decider } from './decider.ts'

/** What is to be sent, and whose it is. */
export interface MailFacts {
  mailId: string
  tenantId: string | null
  personId: string
  purpose: string
  about: string | null
  to: string
  subject: string
  text: string
  html: string
  token: string | null
  code: string | null
  validUntil: string | null
}

export type MailState =
  | { status: 'absent' }
  | { status: 'pending'; facts: MailFacts; attempts: number; dueAt: string }
  | { status: 'sent' | 'failed' }

export type MailCommand =
  | { kind: 'request'; facts: MailFacts; at: string }
  | { kind: 'sent'; attempt: number; via: 'smtp' | 'mailbox'; at: string }
  /** `nextAttemptAt` null: given up. */
  | { kind: 'failed'; attempt: number; reason: string; nextAttemptAt: string | null; at: string }

export type MailAggregate = Aggregate<MailState, MailCommand, AnyEvent>

/** The mails of a context. A second request of one mail changes nothing, and nothing follows its end. */
export const mailOf = (names: MailNames): MailAggregate => aggregateOf(names.context, 'mail', deciderOf(names))

const deciderOf = ({ tenant, person }: MailNames): Decider<MailState, MailCommand, MailEvent> => ({
  initialState: { status: 'absent' },

  evolve(state, event) {
    switch (event.type) {
      case 'MailRequested.v1': {
        const { occurredAt, ...data } = event.data
        const named = data as unknown as Record<string, string | null>
        const facts = { ...data, tenantId: named[tenant] ?? null, personId: String(named[person]) }
        return { status: 'pending', facts, attempts: 0, dueAt: occurredAt }
      }
      case 'MailSent.v1':
        return { status: 'sent' }
      case 'MailFailed.v1': {
        const { attempt, nextAttemptAt } = event.data
        if (state.status !== 'pending' || nextAttemptAt === null) return { status: 'failed' }
        return { ...state, attempts: attempt, dueAt: nextAttemptAt }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { at: occurredAt } = command
    if (command.kind === 'request') {
      const { tenantId, personId, ...facts } = command.facts
      const data = { ...facts, [tenant]: tenantId, [person]: personId, occurredAt }
      return state.status === 'absent' ? [{ type: 'MailRequested.v1', data }] : []
    }
    if (state.status !== 'pending') return []
    const { mailId, tenantId } = state.facts
    const of = { mailId, [tenant]: tenantId, occurredAt }
    const { attempt } = command
    if (command.kind === 'sent') return [{ type: 'MailSent.v1', data: { ...of, attempt, via: command.via } }]
    const { reason, nextAttemptAt } = command
    return [{ type: 'MailFailed.v1', data: { ...of, attempt, reason, nextAttemptAt } }]
  },
})
