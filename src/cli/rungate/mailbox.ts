/** The mailbox that an instance without SMTP keeps for development: it is in no document, so no client knows it. */
import { z } from 'zod'

const mailbox = z.object({ data: z.array(z.object({ subject: z.string(), token: z.string().nullable() })) })
export type ReadMail = z.output<typeof mailbox>['data'][number]

/** The last mail to the address; undefined: none yet, or mails cannot be read here. `base`: of the context. */
export async function lastMailTo(base: string, email: string): Promise<ReadMail | undefined> {
  const response = await fetch(`${base}/dev/mailbox?to=${encodeURIComponent(email)}`)
  return response.ok ? mailbox.parse(await response.json()).data[0] : undefined
}
