/** Hands mails to an SMTP server. Nodemailer is loaded here alone. */
import { createTransport } from 'nodemailer'
import type { MailSettings } from './settings.ts'

export interface OutgoingMail {
  id: string
  to: string
  subject: string
  text: string
  html: string
}

export interface MailServer {
  /** Resolves once the server has taken the mail. Rejects with nodemailer's error: `code`, `responseCode`. */
  send(mail: OutgoingMail): Promise<void>
  /** Whether such an error says that it will never take the mail: another attempt would change nothing. */
  isRefusedForGood(error: unknown): boolean
  close(): void
}

type Settings = Pick<MailSettings, 'MAIL_FROM' | 'MAIL_TIMEOUT_MS' | 'MAIL_CONCURRENCY_MAX'> & { SMTP_URL: string }

/** Connections are opened when they are needed. */
export function openMailServer({ SMTP_URL, MAIL_FROM, MAIL_TIMEOUT_MS: timeoutMs, ...settings }: Settings): MailServer {
  const url = new URL(SMTP_URL)
  const transport = createTransport({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || (url.protocol === 'smtps:' ? 465 : 587)),
    secure: url.protocol === 'smtps:',
    ...(url.username !== '' && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
    pool: true,
    maxConnections: settings.MAIL_CONCURRENCY_MAX,
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, dnsTimeout: timeoutMs },
    // A mail is made of what stands in it, and of nothing that it names.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  })
  const host = /@([^\s>]+)/.exec(MAIL_FROM)?.[1] ?? 'localhost'
  return {
    async send({ id, to, subject, text, html }) {
      const message = { messageId: `<${id}@${host}>`, from: MAIL_FROM, to: { name: '', address: to } }
      await transport.sendMail({ ...message, subject, text, html, headers: { 'Auto-Submitted': 'auto-generated' } })
    },
    isRefusedForGood,
    close: () => transport.close(),
  }
}

function isRefusedForGood(error: unknown): boolean {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown }
  const isOfMail = code === 'EENVELOPE' || code === 'EMESSAGE'
  return isOfMail && typeof responseCode === 'number' && responseCode >= 500
}
