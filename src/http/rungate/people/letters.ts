/** What people are written, and how a mail is asked for. */
import { html } from 'hono/html'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import type { MailFacts } from '../../../commands/mail.ts'
import { mail } from '../../../commands/rungate/mail.ts'
import { Problem } from '../../errors.ts'
import type { RungateParts } from '../access.ts'
import type { RungateCode } from '../errors.ts'

export const LOGIN_PATH = '/rungate/login'
export const INVITATION_PATH = '/rungate/invitation'

type Letter = Pick<MailFacts, 'subject' | 'text' | 'html'>

interface LetterParts {
  subject: string
  /** In lines; the link stands between the two. */
  before: string
  link: string
  after: string
}

const letter = ({ subject, before, link, after }: LetterParts): Letter => ({
  subject,
  text: `${before}\n\n${link}\n\n${after}\n`,
  html: `<!doctype html>\n${html`<p>${before}</p><p><a href="${link}">${link}</a></p><p>${after}</p>`}\n`,
})

interface Links {
  /** Where people reach the pages, without a slash at its end. */
  origin: string
  /** In the part of the address that no server sees. */
  token: string
}

export const loginLetter = ({ origin, token, code, minutes }: Links & { code: string; minutes: number }): Letter =>
  letter({
    subject: `${code} is your code to sign in`,
    before: `Open this link to sign in, or enter the code ${code}.`,
    link: `${origin}${LOGIN_PATH}#token=${token}`,
    after: `Both are good for ${minutes} minutes, once. If you did not ask for this, ignore it.`,
  })

export const invitationLetter = ({
  origin,
  token,
  organization,
  inviter,
  days,
}: Links & { organization: string; inviter: string; days: number }): Letter =>
  letter({
    subject: `You are invited to ${organization}`,
    before: `${inviter} invites you to ${organization}. Open this link to accept:`,
    link: `${origin}${INVITATION_PATH}#token=${token}`,
    after: `The link is good for ${days} days, once. If you do not know who this is, ignore it.`,
  })

/** Throws a Problem (503) where no mail can be sent. */
export function requireMail({ mailWay }: Pick<RungateParts, 'mailWay'>): void {
  if (mailWay === 'off') throw new Problem<RungateCode>('mail_off', 'This installation sends no mails.')
}

/** Asks for a mail. The process of mails sends it (processes/mail.ts). Answers the position of the request. */
export async function requestMail(
  { bus }: Pick<RungateParts, 'bus'>,
  facts: Omit<MailFacts, 'mailId'>,
  command: CommandContext,
): Promise<bigint | undefined> {
  const mailId = deterministicId('rungate.mail', command.commandId)
  const { position } = await bus.handle(
    mail,
    mailId,
    { kind: 'request', facts: { ...facts, mailId }, at: command.at },
    command,
  )
  return position
}
