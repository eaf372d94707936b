/** Rungate's mails. */
import { mailNames } from '../../events/rungate/mail.ts'
import { mailProjectionOf } from '../mail.ts'

export const mailProjection = mailProjectionOf(mailNames)
