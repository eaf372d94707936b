/** What people are written. */
import type { MailFacts } from '../../commands/mail.ts'

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

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
}
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

function letter({ subject, before, link, after }: LetterParts): Letter {
  const [above, address, below] = [escaped(before), escaped(link), escaped(after)]
  return {
    subject,
    text: `${before}\n\n${link}\n\n${after}\n`,
    html: `<!doctype html>\n<p>${above}</p><p><a href="${address}">${address}</a></p><p>${below}</p>\n`,
  }
}

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
