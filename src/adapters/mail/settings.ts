/** Variables of the environment that say where mails go: to a server where SMTP_URL names one, else into the local mailbox. */
import { z } from 'zod'
import { count, schedule } from '../../runtime/setting.ts'

export const mailSettings = z.object({
  MAIL: z.enum(['on', 'off']).default('on').describe('off: no mail is sent, and what needs one is refused'),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe(
      'mail server, with user and password: smtps://user:password@host; unset: mails go into the local mailbox',
    ),
  MAIL_FROM: z
    .string()
    .min(1)
    .regex(/^[^\r\n]*@[^\r\n]*$/)
    .default('opslog <opslog@localhost>')
    .describe('who sends the mails'),
  MAIL_RETRY_WAITS_MS: schedule([10_000, 60_000, 300_000, 900_000]).describe(
    'before the second attempt to send a mail, the third, …; after the last it is given up',
  ),
  MAIL_TIMEOUT_MS: count(20_000).describe('a mail server that says nothing for so long has failed'),
  MAIL_CONCURRENCY_MAX: count(4).describe('mails that are sent at a time, and connections to the mail server'),
  MAIL_POLL_INTERVAL_MS: count(5_000).describe('between looks at mails that are due'),
  MAIL_POLL_BATCH_MAX: count(200).describe('mails that one such look finds'),
  MAILBOX_MAX: count(1_000).describe('mails that the local mailbox keeps for each context'),
})
export type MailSettings = z.infer<typeof mailSettings>

/** Where mails go. */
export type MailWay = 'smtp' | 'mailbox' | 'off'

export const mailWayOf = ({ MAIL, SMTP_URL }: Pick<MailSettings, 'MAIL' | 'SMTP_URL'>): MailWay =>
  MAIL === 'off' ? 'off' : SMTP_URL === undefined ? 'mailbox' : 'smtp'
