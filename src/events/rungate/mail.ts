/** Facts of rungate's mails. Stream `rungate.mail-<id>`. */
import { mailEventsOf } from '../mail.ts'

export const mailNames = { context: 'rungate', tenant: 'accountId', person: 'memberId' } as const
export const mailEvents = mailEventsOf(mailNames)
