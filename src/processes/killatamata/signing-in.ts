/**
 * What signing in takes, over several streams: a proof of a person becomes an account, and the account gets a key. Every step may be
 * done again. An address is one person, whoever vouches for it: Google's word and a mailed code lead to the same account.
 */
import { stepContext } from '../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { account, refuseTooMany } from '../../commands/killatamata/account.ts'
import { codeInvalid, emailChallenge } from '../../commands/killatamata/email-challenge.ts'
import { identityClaim } from '../../commands/killatamata/identity-claim.ts'
import { mail } from '../../commands/killatamata/mail.ts'
import type { EmailChallengeEvent } from '../../events/killatamata/sign-in.ts'
import type { IdentityKind, KeyFacts, KeySource } from '../../events/killatamata/vocabulary.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import { plainEmail, type SignInDigests } from './digests.ts'
import { codeLetter } from './letters.ts'

export interface SignInParts {
  bus: CommandBus
  digests: SignInDigests
  /** API keys of one account that work at a time. */
  keysMax: number
}

export interface Entered {
  accountId: string
  email: string
  /** The proof has opened it. */
  isNew: boolean
}

const step = (context: CommandContext, ...about: string[]): CommandContext =>
  stepContext(context, deterministicId('killatamata.signIn', ...about, context.commandId))

/** The account that a proof opens now; undefined: none, or one that is forgotten. */
async function accountOf({ bus }: Pick<SignInParts, 'bus'>, identityId: string) {
  const { accountId } = await bus.current(identityClaim, identityId)
  if (accountId === null) return { accountId: undefined, instead: null }
  const { status } = await bus.current(account, accountId)
  return status === 'forgotten' ? { accountId: undefined, instead: accountId } : { accountId, instead: null }
}

interface Proof {
  identityId: string
  identityKind: IdentityKind
  /** The account that it is to open, where it opens none yet. */
  accountId: string
}

/** Whose the proof is from now on: whoever claims it first has it. */
async function claimIdentity(parts: SignInParts, proof: Proof, context: CommandContext): Promise<string> {
  const { identityId } = proof
  const { accountId, instead } = await accountOf(parts, identityId)
  if (accountId !== undefined) return accountId
  const command = { ...proof, instead, at: context.at }
  const { state } = await parts.bus.handle(identityClaim, identityId, command, step(context, 'claim', identityId))
  return state.accountId ?? proof.accountId
}

/** Opens the account where it is not open yet, and notes its proofs. */
async function enter(
  { bus }: SignInParts,
  { accountId, email }: { accountId: string; email: string },
  proofs: readonly Pick<Proof, 'identityId' | 'identityKind'>[],
  context: CommandContext,
): Promise<Entered> {
  const { at } = context
  const open = { kind: 'open', accountId, email, at } as const
  const { events } = await bus.handle(account, accountId, open, step(context, 'open', accountId))
  for (const { identityId, identityKind } of proofs) {
    const link = { kind: 'link', accountId, identityId, identityKind, at } as const
    await bus.handle(account, accountId, link, step(context, 'link', identityId))
  }
  const state = await bus.load(account, accountId)
  const shown = state.status === 'absent' || state.email === '' ? email : state.email
  return { accountId, email: shown, isNew: events.length > 0 }
}

/** A new id where nobody has one for this address yet. */
export async function accountIdFor(parts: SignInParts, identityId: string, context: CommandContext): Promise<string> {
  const { accountId } = await accountOf(parts, identityId)
  return accountId ?? prefixedId('acct', context.at, `${identityId} ${context.commandId}`)
}

/** Asks for a code, which takes the place of an older one, and for its mail. */
export async function startEmail(
  parts: SignInParts & { codeMs: number },
  address: string,
  context: CommandContext,
): Promise<void> {
  const { bus, digests, codeMs } = parts
  const email = plainEmail(address)
  const identityId = await digests.identityIdOf('email', email)
  const accountId = await accountIdFor(parts, identityId, context)
  const codeId = deterministicId('killatamata.code', identityId, context.commandId)
  const codeHash = await digests.codeHashOf(identityId, await digests.codeOf(codeId))
  const expiresAt = new Date(Date.parse(context.at) + codeMs).toISOString()
  const command = {
    kind: 'request',
    identityId,
    accountId,
    email,
    codeId,
    codeHash,
    expiresAt,
    at: context.at,
  } as const
  const { events } = await bus.handle(emailChallenge, identityId, command, context)
  for (const event of events) {
    if (event.type === 'killatamata.CodeRequested.v1') await mailCode(parts, event.data, context)
  }
}

type CodeRequest = Extract<EmailChallengeEvent, { type: 'killatamata.CodeRequested.v1' }>['data']

/** Asks for the mail of a code. A second time changes nothing. */
export async function mailCode(
  { bus, digests }: Pick<SignInParts, 'bus' | 'digests'>,
  { codeId, accountId, email: to, expiresAt, occurredAt }: CodeRequest,
  context: CommandContext,
): Promise<void> {
  const minutes = Math.round((Date.parse(expiresAt) - Date.parse(occurredAt)) / 60_000)
  const code = await digests.codeOf(codeId)
  const mailId = deterministicId('killatamata.mail', codeId)
  const about = { tenantId: null, personId: accountId, purpose: 'code', about: codeId, to, validUntil: expiresAt }
  const facts = { mailId, ...about, ...codeLetter(code, minutes), token: null, code }
  const command = { kind: 'request', facts, at: context.at } as const
  await bus.handle(mail, mailId, command, step(context, 'mail', mailId))
}

/** The account of an address whose code this is. Throws Rejected: code_invalid. */
export async function enterByCode(
  parts: SignInParts,
  { email, code, wantsKey }: { email: string; code: string; wantsKey: boolean },
  context: CommandContext,
): Promise<Entered> {
  const { bus, digests } = parts
  const identityId = await digests.identityIdOf('email', email)
  // A code is not used up for a key that there is no room for.
  if (wantsKey) await requireRoom(parts, (await accountOf(parts, identityId)).accountId)
  const codeHash = await digests.codeHashOf(identityId, code)
  const command = { kind: 'redeem', identityId, codeHash, at: context.at } as const
  const { events, state } = await bus.handle(emailChallenge, identityId, command, context)
  const redeemed = events.find(({ type }) => type === 'killatamata.CodeRedeemed.v1')
  if (!redeemed) throw codeInvalid()
  const proof = { identityId, identityKind: 'email' as const, accountId: redeemed.data.accountId }
  const accountId = await claimIdentity(parts, proof, context)
  return enter(parts, { accountId, email: state.email }, [proof], context)
}

/** The account of a person whom Google vouches for. */
export async function enterByGoogle(
  parts: SignInParts,
  { subject, email: address }: { subject: string; email: string },
  context: CommandContext,
): Promise<Entered> {
  const { digests } = parts
  const email = plainEmail(address)
  const [ofSubject, ofEmail] = await Promise.all([
    digests.identityIdOf('google', subject),
    digests.identityIdOf('email', email),
  ])
  const google = { identityId: ofSubject, identityKind: 'google' as const }
  // The subject never changes, while an address may become another's.
  const { accountId: known } = await accountOf(parts, ofSubject)
  if (known !== undefined) return enter(parts, { accountId: known, email }, [google], context)
  const mailed = { identityId: ofEmail, identityKind: 'email' as const }
  const wanted = await accountIdFor(parts, ofEmail, context)
  const first = await claimIdentity(parts, { ...mailed, accountId: wanted }, context)
  const accountId = await claimIdentity(parts, { ...google, accountId: first }, context)
  return enter(parts, { accountId, email }, accountId === first ? [mailed, google] : [google], context)
}

/** The account of an address that the house itself vouches for, under this id where the address has none. */
export async function enterByHouse(
  parts: SignInParts,
  { accountId: wanted, email: address }: { accountId: string; email: string },
  context: CommandContext,
): Promise<Entered> {
  const email = plainEmail(address)
  const proof = { identityId: await parts.digests.identityIdOf('email', email), identityKind: 'email' as const }
  const accountId = await claimIdentity(parts, { ...proof, accountId: wanted }, context)
  return enter(parts, { accountId, email }, [proof], context)
}

/** Throws Rejected (key_limit_reached) where the account has as many keys as it may have. */
export async function requireRoom({ bus, keysMax }: SignInParts, accountId: string | undefined): Promise<void> {
  if (accountId === undefined) return
  const state = await bus.current(account, accountId)
  if (state.status === 'active') refuseTooMany(state, keysMax)
}

/** A key of the account, once for each id. `hasRoom`: room was made for it before. Throws Rejected: key_limit_reached. */
export function issueKey(
  { bus, keysMax }: SignInParts,
  { accountId, key, source, hasRoom }: { accountId: string; key: KeyFacts; source: KeySource; hasRoom: boolean },
  context: CommandContext,
) {
  const command = {
    kind: 'issueKey',
    accountId,
    key,
    source,
    keysMax: hasRoom ? null : keysMax,
    at: context.at,
  } as const
  return bus.handle(account, accountId, command, context)
}
