/** Rungate's mails. */
import { mailNames } from '../../events/rungate/mail.ts'
import { mailOf } from '../mail.ts'

export const mail = mailOf(mailNames)
