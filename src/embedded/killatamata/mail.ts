/** The sandbox’s mails, as the house’s mailbox has them: `GET /control/mail?to=ada@example.com`. */
import { jsonAnswer, type StandInPart } from './exchange.ts'

export interface SandboxMail {
  to: string
  subject: string
  text: string
  receivedAt: string
}

/** `read`: the mails to an address, or all, newest first. */
export const mailPart = (read: (to: string | undefined) => Promise<SandboxMail[]>): StandInPart => ({
  routes: {
    '/control/mail': async ({ query }) => jsonAnswer({ messages: await read(query.get('to') ?? undefined) }),
  },
})
