/** Killatamata's mails: where they go, and which are still of use when their turn comes. */
import { type MailSettings, mailWayOf } from '../../adapters/mail/settings.ts'
import type { MailServer } from '../../adapters/mail/smtp.ts'
import { mail } from '../../commands/killatamata/mail.ts'
import { type MailOptions, MailRefused, runMail, type SendMail } from '../mail.ts'

type Options = Omit<MailOptions, 'context' | 'mail' | 'send' | 'isWanted' | 'limits'> & { settings: MailSettings }

/** Runs until `signal` aborts. */
export async function runKillatamataMail({ settings, ...options }: Options): Promise<void> {
  const server = await openServer(settings)
  const limits = {
    waitsMs: settings.MAIL_RETRY_WAITS_MS,
    concurrencyMax: settings.MAIL_CONCURRENCY_MAX,
    pollIntervalMs: settings.MAIL_POLL_INTERVAL_MS,
    batchMax: settings.MAIL_POLL_BATCH_MAX,
    mailboxMax: settings.MAILBOX_MAX,
  }
  try {
    const isWanted = async () => mailWayOf(settings) !== 'off'
    await runMail({ ...options, context: 'killatamata', mail, send: server && sendBy(server), isWanted, limits })
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
const sendBy =
  (server: MailServer): SendMail =>
  async (letter) => {
    try {
      await server.send(letter)
    } catch (error) {
      throw server.isRefusedForGood(error) ? new MailRefused(error) : error
    }
  }
