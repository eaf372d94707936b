/**
 * Sends a context's mails. A mail that was requested is sent at least once: what was sent is recorded afterwards, so a process
 * that ends in between sends it again, under the same id. After a failure it is tried again by a schedule, then given up.
 */
import { commandContext } from '../commands/context.ts'
import type { CommandBus } from '../commands/handle.ts'
import { deterministicId } from '../commands/identity.ts'
import type { MailAggregate, MailCommand, MailFacts } from '../commands/mail.ts'
import type { Registry } from '../events/registry.ts'
import { isPoison } from '../events/subscription.ts'
import { boxMail, emptyMailboxOf, findDueMails } from '../projections/mail.ts'
import { createDueWork, type DueItem, type DueWork, usualPace } from './due-work.ts'
import { type ProcessDependencies, runProcess } from './process.ts'

/** A mail as it leaves. */
export interface Letter {
  /** The same at each attempt, so that a receiver can tell a mail that comes twice. */
  id: string
  to: string
  subject: string
  text: string
  html: string
}

/** Hands a mail to a server. Throws MailRefused where another attempt would change nothing, and any error where it may. */
export type SendMail = (letter: Letter, signal: AbortSignal) => Promise<void>

/** The server will never take this mail; `cause` is what it said. */
export class MailRefused extends Error {
  override name = 'MailRefused'
  constructor(cause: unknown) {
    super('the mail was refused for good', { cause })
  }
}

export interface MailLimits {
  /** Before the second attempt, the third, …; after the last the mail is given up. */
  waitsMs: readonly number[]
  /** Mails that are sent at a time. */
  concurrencyMax: number
  /** Between two looks at what is due, and mails that one finds. */
  pollIntervalMs: number
  batchMax: number
  /** Mails that the local mailbox keeps. */
  mailboxMax: number
}

export interface MailOptions extends ProcessDependencies {
  bus: CommandBus
  /** The context, whose aggregate and whose projection these are. */
  context: string
  mail: MailAggregate
  /** Knows which events say that a person is forgotten. */
  registry: Pick<Registry, 'forgottenIn' | 'forgettingTypes'>
  /** Absent: there is no mail server, and mails go into the local mailbox. */
  send: SendMail | undefined
  /** Whether a mail is still of use to whom it goes to; asked before each attempt. */
  isWanted: (mail: MailFacts) => Promise<boolean>
  limits: MailLimits
}

/** The name of a context's process and of its leadership. */
export const mailProcess = (context: string): string => `${context}-mail`

/** Runs until `signal` aborts; stands by while another process leads. */
export function runMail(options: MailOptions): Promise<void> {
  const { context, db, registry } = options
  const work = createMailWork(options)
  const forgetting = registry.forgettingTypes.filter((type) => type.startsWith(`${context}.`))
  return runProcess(
    {
      name: mailProcess(context),
      types: [`${context}.MailRequested.v`, ...forgetting],
      async handle(events) {
        for (const event of events) {
          // One that does not decode is due all the same, and the work on it says why it cannot be done.
          const mailId = mailIdIn(context, event.stream)
          const person = isPoison(event) ? undefined : registry.forgottenIn(event)
          if (mailId !== undefined) work.offer(itemOf(mailId))
          else if (person !== undefined) await emptyMailboxOf(db, person)
        }
      },
      background: (signal) => [work.run(signal)],
    },
    options,
  )
}

function mailIdIn(context: string, stream: string): string | undefined {
  const before = `${context}.mail-`
  return stream.startsWith(before) ? stream.slice(before.length) : undefined
}

const itemOf = (mailId: string): DueItem => ({ id: mailId, key: mailId })

function createMailWork(options: MailOptions): DueWork<DueItem> {
  const { bus, db, context, mail, log, limits, pace = usualPace, now = () => new Date() } = options
  const work: DueWork<DueItem> = createDueWork<DueItem>({
    name: `mails of ${context}`,
    log,
    now,
    limits: {
      ...{ ...pace, concurrencyMax: limits.concurrencyMax, keyConcurrencyMax: 1, keyQueueMax: 1 },
      ...{ batchMax: limits.batchMax, pollIntervalMs: limits.pollIntervalMs },
    },
    findDue: async ({ now: time, limit }) => (await findDueMails(db, context, time.toISOString(), limit)).map(itemOf),
    async work({ id: mailId }, signal) {
      const state = await bus.current(mail, mailId)
      const at = now().toISOString()
      if (state.status !== 'pending' || state.dueAt > at) return
      const { facts, attempts } = state
      const command = { at, ...(await attempted(options, facts, attempts + 1, signal)) }
      const commandId = deterministicId(`${context}.mail`, mailId, String(attempts + 1))
      await bus.handle(
        mail,
        mailId,
        command,
        commandContext({ kind: 'system', id: mailProcess(context) }, commandId, at),
      )
      if (command.kind !== 'failed') return
      const { reason, nextAttemptAt } = command
      log.warn({ mailId, purpose: facts.purpose, reason, attempt: attempts + 1, nextAttemptAt }, 'a mail was not sent')
      if (nextAttemptAt !== null) work.wakeAt(new Date(nextAttemptAt))
    },
  })
  return work
}

type Outcome = Omit<Extract<MailCommand, { kind: 'sent' }>, 'at'> | Omit<Extract<MailCommand, { kind: 'failed' }>, 'at'>

/** What comes of one attempt. */
async function attempted(
  options: MailOptions,
  facts: MailFacts,
  attempt: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const { isWanted, limits, log, now = () => new Date() } = options
  const over = (reason: string): Outcome => ({ kind: 'failed', attempt: attempt - 1, reason, nextAttemptAt: null })
  if (facts.validUntil !== null && facts.validUntil <= now().toISOString()) return over('expired')
  if (!(await isWanted(facts))) return over('unwanted')
  try {
    await deliver(options, facts, signal)
    return { kind: 'sent', attempt, via: options.send ? 'smtp' : 'mailbox' }
  } catch (error) {
    // Interrupted by the stop of the process: it is still due.
    if (signal.aborted) throw error
    const waitMs = error instanceof MailRefused ? undefined : limits.waitsMs[attempt - 1]
    const nextAttemptAt = waitMs === undefined ? null : new Date(now().getTime() + waitMs).toISOString()
    log.info({ err: error, mailId: facts.mailId }, 'the mail server has not taken a mail')
    return { kind: 'failed', attempt, reason: reasonOf(error), nextAttemptAt }
  }
}

async function deliver(options: MailOptions, facts: MailFacts, signal: AbortSignal): Promise<void> {
  const { send, db, context, limits, now = () => new Date() } = options
  const { mailId, to, subject, text, html, token, code } = facts
  if (send) return send({ id: mailId, to, subject, text, html }, signal)
  const mail = { mail_id: mailId, recipient: to, subject, body: text, html, token, code, sent_at: now().toISOString() }
  return boxMail(db, { context, personId: facts.personId, mail, mailsMax: limits.mailboxMax })
}

/** A code and the server's number: its own words may name the address. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = (error instanceof MailRefused ? error.cause : error) as Record<string, unknown>
  const known = [code, responseCode].filter((each) => typeof each === 'string' || typeof each === 'number')
  return known.length > 0 ? known.join(' ') : error instanceof Error ? error.name : 'unknown'
}
