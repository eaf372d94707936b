/** Killatamata's mails. */
import { mailNames } from '../../events/killatamata/mail.ts'
import { uuidOfPrefixed } from '../../runtime/ulid.ts'
import { type MailAggregate, type MailState, mailOf } from '../mail.ts'

const named = mailOf(mailNames)

/** What is kept by persons, such as the local mailbox, knows an account by the UUID of the same bits. */
function byUuid(state: MailState): MailState {
  if (state.status !== 'pending') return state
  const { facts } = state
  return { ...state, facts: { ...facts, personId: uuidOfPrefixed(facts.personId) ?? facts.personId } }
}

export const mail: MailAggregate = { ...named, evolve: (state, event) => byUuid(named.evolve(state, event)) }
