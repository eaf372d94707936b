/** What people are written. */
import type { MailFacts } from '../../commands/mail.ts'

/** The mail with a code. */
export function codeLetter(code: string, minutes: number): Pick<MailFacts, 'subject' | 'text' | 'html'> {
  const before = `Your code to sign in is ${code}.`
  const after = `It is good for ${minutes} minutes, once. If you did not ask for it, ignore this mail.`
  return {
    subject: `${code} is your code to sign in`,
    text: `${before}\n\n${after}\n`,
    html: `<!doctype html>\n<p>${before}</p><p>${after}</p>\n`,
  }
}
