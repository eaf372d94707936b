/** Facts of killatamata's mails. Stream `killatamata.mail-<id>`. Whom they go to may have no account yet. */
import { mailEventsOf } from '../mail.ts'
import { accountId } from './vocabulary.ts'

export const mailNames = { context: 'killatamata', tenant: 'ownerId', person: 'accountId' } as const

const shared = mailEventsOf(mailNames)
const REQUESTED = 'killatamata.MailRequested.v1'
/** Accounts have ids with a prefix, where other contexts' persons have UUIDs. */
export const mailEvents = { ...shared, [REQUESTED]: shared[REQUESTED].extend({ accountId }) }
