/** Rungate's mails: where they go, and which are still of use when their turn comes. */
import { hash } from 'node:crypto'
import { type MailSettings, mailWayOf } from '../../adapters/mail/settings.ts'
import type { MailServer } from '../../adapters/mail/smtp.ts'
import type { CommandBus } from '../../commands/handle.ts'
import type { MailFacts } from '../../commands/mail.ts'
import { account } from '../../commands/rungate/account.ts'
import { mail } from '../../commands/rungate/mail.ts'
import { roster, standing } from '../../commands/rungate/roster.ts'
import { type MailOptions, MailRefused, runMail, type SendMail } from '../mail.ts'

type Options = Omit<MailOptions, 'context' | 'mail' | 'send' | 'isWanted' | 'limits'> & { settings: MailSettings }

/** Runs until `signal` aborts. */
export async function runRungateMail({ settings, ...options }: Options): Promise<void> {
  const server = await openServer(settings)
  const { now = () => new Date() } = options
  const limits = {
    waitsMs: settings.MAIL_RETRY_WAITS_MS,
    concurrencyMax: settings.MAIL_CONCURRENCY_MAX,
    pollIntervalMs: settings.MAIL_POLL_INTERVAL_MS,
    batchMax: settings.MAIL_POLL_BATCH_MAX,
    mailboxMax: settings.MAILBOX_MAX,
  }
  try {
    const isOff = mailWayOf(settings) === 'off'
    const isWanted = async (facts: MailFacts) => !isOff && isStillWanted(options.bus, facts, now().toISOString())
    await runMail({ ...options, context: 'rungate', mail, send: server && sendBy(server), isWanted, limits })
  } finally {
    server?.close()
  }
}

/** Undefined where there is none. */
async function openServer(settings: MailSettings): Promise<MailServer | undefined> {
  const { SMTP_URL } = settings
  if (SMTP_URL === undefined || mailWayOf(settings) === 'off') return undefined
  return (await import('../../adapters/mail/smtp.ts')).openMailServer({ ...settings, SMTP_URL })
}

/** The server's word that it will never take a mail ends the attempts. */
export const sendBy =
  (server: MailServer): SendMail =>
  async (letter) => {
    try {
      await server.send(letter)
    } catch (error) {
      throw server.isRefusedForGood(error) ? new MailRefused(error) : error
    }
  }

/** Whom a suspended account locks out gets no mail; nor does anybody whose invitation has ended or was sent anew. */
async function isStillWanted(bus: CommandBus, facts: MailFacts, at: string): Promise<boolean> {
  const { tenantId, purpose, about, token } = facts
  if (tenantId === null) return true
  if ((await bus.current(account, tenantId)).status === 'suspended') return false
  if (purpose !== 'invitation') return true
  const invitation = (await bus.current(roster, tenantId)).invitations.get(about ?? '')
  if (!invitation || hash('sha256', token ?? '') !== invitation.facts.tokenHash) return false
  return standing(invitation.status, invitation.facts.expiresAt, at) === 'pending'
}
