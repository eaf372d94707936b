/**
 * Mails of a context, without what they say: which are still to be sent, and when. And the local mailbox, a table of the
 * kernel's own that takes the mails of an installation without a mail server, so that people can read them there.
 */
import { sql } from 'kysely'
import type { AnyEvent, Recorded } from '../events/event.ts'
import type { MailNames } from '../events/mail.ts'
import type { ReadModels } from '../postgres/database.ts'
import { holdable } from '../runtime/holdable.ts'
import { integer, text, time, uuid } from './columns.ts'
import { type Change, defineTable, type Projection, patch, upsert } from './projection.ts'

/** The table and the projection of a context's mails. */
export function mailProjectionOf({ context, tenant }: MailNames): Projection {
  const mails = mailTable(context)
  const handlers: Readonly<Record<string, (event: Recorded) => Change[]>> = {
    [`${context}.MailRequested.v1`]: ({ data }) => [
      upsert(mails, {
        ...{ mail_id: idIn(data), tenant_id: (data[tenant] ?? null) as string | null, purpose: String(data.purpose) },
        ...{ status: 'pending', attempts: 0, due_at: String(data.occurredAt), created_at: String(data.occurredAt) },
      }),
    ],
    [`${context}.MailSent.v1`]: ({ data }) => [
      patch(mails, { mail_id: idIn(data) }, { status: 'sent', attempts: Number(data.attempt), due_at: null }),
    ],
    [`${context}.MailFailed.v1`]: ({ data }) => [
      patch(
        mails,
        { mail_id: idIn(data) },
        {
          status: data.nextAttemptAt === null ? 'failed' : 'pending',
          attempts: Number(data.attempt),
          due_at: data.nextAttemptAt as string | null,
        },
      ),
    ],
  }
  return { name: `${context}.mail`, version: 1, onPoison: 'park', tables: [mails], handlers }
}

const idIn = (data: AnyEvent['data']): string => String(data.mailId)

const mailTable = (context: string) =>
  defineTable({
    name: `${context}_mails`,
    key: ['mail_id'],
    columns: {
      mail_id: uuid,
      tenant_id: uuid.orNull,
      purpose: text,
      status: text.of<'pending' | 'sent' | 'failed'>(),
      attempts: integer,
      /** Null: nothing more is done about it. */
      due_at: time.orNull,
      created_at: time,
    },
    indexes: ['(due_at) WHERE due_at IS NOT NULL'],
  })

/** Mails that are due at `now` (RFC 3339), the longest due first. */
export async function findDueMails(db: ReadModels, context: string, now: string, limit: number): Promise<string[]> {
  const { rows } = await sql<{ mail_id: string }>`SELECT mail_id FROM ${sql.table(`${context}_mails`)}
    WHERE due_at <= ${now}::timestamptz ORDER BY due_at, mail_id LIMIT ${limit}`.execute(db)
  return rows.map(({ mail_id }) => mail_id)
}

export const mailboxDdl =
  'CREATE TABLE IF NOT EXISTS opslog_mailbox (mail_id uuid PRIMARY KEY, context text NOT NULL, person_id uuid NOT NULL, ' +
  'recipient text NOT NULL, subject text NOT NULL, body text NOT NULL, html text NOT NULL, token text, code text, ' +
  'sent_at timestamptz(3) NOT NULL)'

export interface BoxedMail {
  mail_id: string
  recipient: string
  subject: string
  body: string
  html: string
  token: string | null
  code: string | null
  sent_at: string
}

/** Puts a mail into the mailbox, once; the oldest beyond `mailsMax` of the context go. */
export async function boxMail(
  db: ReadModels,
  { context, personId, mail, mailsMax }: { context: string; personId: string; mail: BoxedMail; mailsMax: number },
): Promise<void> {
  const { mail_id, recipient, subject, body, html, token, code, sent_at } = mail
  await sql`INSERT INTO opslog_mailbox
    (mail_id, context, person_id, recipient, subject, body, html, token, code, sent_at)
    VALUES (${mail_id}::uuid, ${context}, ${personId}::uuid, ${recipient}, ${subject}, ${body}, ${html}, ${token}, ${code},
      ${sent_at}::timestamptz(3)) ON CONFLICT DO NOTHING`.execute(db)
  await sql`DELETE FROM opslog_mailbox WHERE mail_id IN (SELECT mail_id FROM opslog_mailbox WHERE context = ${context}
    ORDER BY sent_at DESC, mail_id DESC OFFSET ${mailsMax})`.execute(db)
}

/** The context's mails to an address in any case, which has letters of ASCII alone, or all, newest first, and how many there are. */
export async function readMailbox(
  db: ReadModels,
  { context, to, limit }: { context: string; to: string | undefined; limit: number },
): Promise<{ mails: BoxedMail[]; total: number }> {
  const asked = to === undefined ? null : holdable(to)
  const wanted = sql`context = ${context} AND (${asked}::text IS NULL OR lower(recipient) = lower(${asked}::text))`
  const { rows } = await sql<BoxedMail & { total: string }>`SELECT mail_id, recipient, subject, body, html, token, code,
    sent_at, count(*) OVER () AS total FROM opslog_mailbox WHERE ${wanted}
    ORDER BY sent_at DESC, mail_id DESC LIMIT ${limit}`.execute(db)
  return { mails: rows, total: Number(rows[0]?.total ?? 0) }
}

/** Removes the mails of a person who was forgotten. */
export async function emptyMailboxOf(db: ReadModels, personId: string): Promise<void> {
  await sql`DELETE FROM opslog_mailbox WHERE person_id = ${personId}::uuid`.execute(db)
}
