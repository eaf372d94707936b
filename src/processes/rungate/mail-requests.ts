/**
 * Asks for the mails that follow from events. A mail is made of its event alone: the request that wrote the event asks for it, and the
 * process that finishes things asks again where that did not come to it. The second of the two changes nothing.
 */
import { hashKey } from '../../api-keys/key-text.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import type { MailFacts } from '../../commands/mail.ts'
import { account } from '../../commands/rungate/account.ts'
import { address } from '../../commands/rungate/address.ts'
import { mail } from '../../commands/rungate/mail.ts'
import { roster } from '../../commands/rungate/roster.ts'
import type { AddressEvent } from '../../events/rungate/address.ts'
import type { InvitationFacts, RosterEvent } from '../../events/rungate/roster.ts'
import { invitationLetter, loginLetter } from './letters.ts'
import type { PeopleDigests } from './people-digests.ts'

export interface MailParts {
  bus: CommandBus
  people: PeopleDigests
  /** Where clients reach the API, without a slash at its end. */
  apiUrl: () => string
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const between = (from: string, to: string): number => Date.parse(to) - Date.parse(from)

type LoginRequest = Extract<AddressEvent, { type: 'rungate.LoginRequested.v1' }>['data']

/** Asks for the mail of a login. Answers the position of the request. */
export async function mailLogin(
  { bus, people, apiUrl }: MailParts,
  { loginId, accountId: tenantId, memberId: personId, email: to, expiresAt, occurredAt }: LoginRequest,
  context: CommandContext,
): Promise<bigint | undefined> {
  const secrets = await people.loginSecretsOf(loginId)
  const minutes = Math.round(between(occurredAt, expiresAt) / MINUTE_MS)
  const letter = loginLetter({ origin: apiUrl(), ...secrets, minutes })
  const about = { tenantId, personId, purpose: 'login', about: loginId, to, validUntil: expiresAt }
  return request(bus, deterministicId('rungate.mail', loginId), { ...about, ...letter, ...secrets }, context)
}

/** Asks for the mail of an invitation as it was sent at this time. Answers the position of the request. */
export async function mailInvitation(
  { bus, people, apiUrl }: MailParts,
  { accountId, invitationId, memberId: personId, email: to, invitedBy, expiresAt }: InvitationFacts,
  sentAt: string,
  context: CommandContext,
): Promise<bigint | undefined> {
  const token = await people.invitationTokenOf(invitationId, expiresAt)
  const state = await bus.current(account, accountId)
  const organization = state.status === 'absent' ? '' : state.facts.name
  const { members } = await bus.current(roster, accountId)
  const inviter = members.get(invitedBy)?.displayName ?? 'An administrator'
  const days = Math.round(between(sentAt, expiresAt) / DAY_MS)
  const letter = invitationLetter({ origin: apiUrl(), token, organization, inviter, days })
  const about = { tenantId: accountId, personId, purpose: 'invitation', about: invitationId, to, validUntil: expiresAt }
  const mailId = deterministicId('rungate.mail', invitationId, expiresAt)
  return request(bus, mailId, { ...about, ...letter, token, code: null }, context)
}

async function request(
  bus: CommandBus,
  mailId: string,
  facts: Omit<MailFacts, 'mailId'>,
  context: CommandContext,
): Promise<bigint | undefined> {
  const command = { kind: 'request', facts: { ...facts, mailId }, at: context.at } as const
  return (await bus.handle(mail, mailId, command, context)).position
}

/** The mail of a login that can still be used, where nobody has asked for it. */
export async function finishLoginMail(parts: MailParts, data: LoginRequest, context: CommandContext): Promise<void> {
  const { login } = await parts.bus.current(address, data.addressId)
  if (login?.loginId !== data.loginId || login.expiresAt <= context.at) return
  // One from before links followed from their logins has had its mail.
  const { token } = await parts.people.loginSecretsOf(data.loginId)
  if (hashKey(token) === data.tokenHash) await mailLogin(parts, data, context)
}

type Sent = Extract<RosterEvent, { type: 'rungate.InvitationCreated.v1' | 'rungate.InvitationResent.v1' }>['data']

/** The mail of an invitation that is pending as it was sent then, where nobody has asked for it. */
export async function finishInvitationMail(parts: MailParts, data: Sent, context: CommandContext): Promise<void> {
  const { invitations } = await parts.bus.current(roster, data.accountId)
  const known = invitations.get(data.invitationId)
  const { expiresAt, tokenHash, occurredAt } = data
  if (known?.status !== 'pending' || known.facts.expiresAt !== expiresAt || expiresAt <= context.at) return
  const token = await parts.people.invitationTokenOf(data.invitationId, expiresAt)
  if (hashKey(token) === tokenHash) await mailInvitation(parts, known.facts, occurredAt, context)
}
