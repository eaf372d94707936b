/** Killatamata's mails. */
import { mailNames } from '../../events/killatamata/mail.ts'
import { mailProjectionOf } from '../mail.ts'

export const mailProjection = mailProjectionOf(mailNames)
