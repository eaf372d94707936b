/**
 * Facts of mails, made for a context: one stream for each mail, from the request to its end. Their types begin with the
 * context's name: `rungate.MailRequested.v1`. What a mail says is sealed with the key of the person whom it goes to.
 */
import { z } from 'zod'
import type { EventOf } from './event.ts'
import { personal } from './personal.ts'

/** How a context names things in the events of its mails. */
export interface MailNames<
  Context extends string = string,
  Tenant extends string = string,
  Person extends string = string,
> {
  /** First part of event types, of streams and of the table's name. */
  readonly context: Context
  /** The field that says whose account a mail belongs to. */
  readonly tenant: Tenant
  /** The field that names the person whom a mail goes to. */
  readonly person: Person
}

const time = z.iso.datetime()
const uuid = z.uuid()

/** Stream `<context>.mail-<mail>`. */
export function mailSchemas<T extends string, P extends string>({ tenant, person }: MailNames<string, T, P>) {
  const owner = { [tenant]: uuid.nullable() } as Record<T, z.ZodNullable<z.ZodUUID>>
  const ofMail = { mailId: uuid, ...owner, occurredAt: time }
  return {
    'MailRequested.v1': z.object({
      ...ofMail,
      ...({ [person]: uuid } as Record<P, z.ZodUUID>),
      /** What it is for, in the context's words: `login`. */
      purpose: z.string(),
      /** The id of what it is about, by which the context says whether it may still be sent; null: nothing. */
      about: z.string().nullable(),
      to: personal(z.string()),
      subject: personal(z.string()),
      text: personal(z.string()),
      html: personal(z.string()),
      /** What the text brings, for the local mailbox; null where there is none. */
      token: personal(z.string().nullable()),
      code: personal(z.string().nullable()),
      /** After it the mail is of no use and is not sent; null: it always is. */
      validUntil: time.nullable(),
    }),
    /** The next server took it, or the local mailbox. */
    'MailSent.v1': z.object({
      ...ofMail,
      /** From 1. */
      attempt: z.int().positive(),
      via: z.enum(['smtp', 'mailbox']),
    }),
    'MailFailed.v1': z.object({
      ...ofMail,
      /** From 1; 0: given up before the first attempt. */
      attempt: z.int().nonnegative(),
      /** A code, such as `ECONNECTION` or `EENVELOPE 550`; nothing personal. */
      reason: z.string(),
      /** When the next attempt is due; null: it is given up. */
      nextAttemptAt: time.nullable(),
    }),
  }
}

/** The events of a context's mails, under its names. */
export function mailEventsOf<C extends string, T extends string, P extends string>(names: MailNames<C, T, P>) {
  const schemas = mailSchemas(names)
  const named = Object.entries(schemas).map(([type, schema]) => [`${names.context}.${type}`, schema])
  return Object.fromEntries(named) as {
    [Type in keyof typeof schemas & string as `${C}.${Type}`]: (typeof schemas)[Type]
  }
}

/** The events without the context, and without the fields that a context names. */
export type MailEvent = EventOf<ReturnType<typeof mailSchemas<never, never>>>
