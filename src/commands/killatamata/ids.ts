/** Ids of what follows from something else: a repeat finds the same. Others are made of `prefixedId` of src/runtime/ulid.ts. */
import { hash } from 'node:crypto'
import type { Provider } from '../../events/killatamata/vocabulary.ts'
import { prefixedId, prefixedUuid } from '../../runtime/ulid.ts'
import { deterministicId } from '../identity.ts'

/** An id without its prefix. */
const tailOf = (id: string): string => id.slice(id.lastIndexOf('_') + 1)

/** The stream of a media job, which a repeat of its request finds. */
export const mediaRequestIdOf = (commandId: string): string => deterministicId('killatamata.mediaJob', commandId)

/** The hold of a media job. `uuidOfPrefixed` makes the request's id of it again. */
export const holdIdOf = (requestId: string): string => prefixedUuid('hold', requestId)

export const mediaJobIdOf = (at: string, requestId: string): string => prefixedId('job', at, requestId)

/** The n-th file of a job, from 0. */
export const mediaFileIdOf = (jobId: string, at: string, index: number): string =>
  prefixedId('file', at, `${jobId} ${index}`)

/** The settlement of what the provider calls so. */
export const settlementIdOf = (provider: Provider, providerId: string): string =>
  deterministicId('killatamata.settlement', provider, providerId)

/** The deposit of a settlement that was confirmed at this time. */
export const depositIdOf = (settlementId: string, confirmedAt: string): string =>
  prefixedId('dep', confirmedAt, settlementId)

/** The stream of a period of an account's ledger, periods from 1. */
export const ledgerIdOf = (accountId: string, period: number): string =>
  period === 1 ? accountId : `${accountId}.${period}`

/** The stream of a user code, without its hyphen: no two links under way have the same. */
export const linkIdOf = (userCode: string): string => deterministicId('killatamata.deviceLink', userCode)

/** The claim of one use of a token. */
export const idTokenIdOf = (tokenHash: string, use: 'key' | 'session'): string =>
  deterministicId('killatamata.idToken', use, tokenHash)

/** The random part of such an id. */
const RANDOM_LENGTH = 16

/**
 * The stream of a thing whose id is `prefixedId(prefix, now, command id)`: the part of its id that the time has no share in, so that a
 * command that is sent again finds it. The whole id stands in its events, and another one is not found.
 */
export const timelessIdOf = (id: string): string => id.slice(-RANDOM_LENGTH)
/** An account is one affiliate at most, so that each id says the other. */
export const affiliateIdOf = (accountId: string): string => `aff_${tailOf(accountId)}`
export const accountIdOfAffiliate = (affiliateId: string): string => `acct_${tailOf(affiliateId)}`

/** The commission of a deposit, which was credited then. */
export const commissionIdOf = (depositId: string, creditedAt: string): string =>
  prefixedId('com', creditedAt, depositId)

/** The payout of a request. */
export const payoutIdOf = (payoutRequestId: string): string => `pay_${tailOf(payoutRequestId)}`

/** Whose deposit brings an affiliate commission: the same for all of one customer's, and nobody can tell who that is. */
export const referredIdOf = (affiliateAccountId: string, accountId: string): string =>
  deterministicId('killatamata.referred', affiliateAccountId, accountId)

const CODE_LENGTH = 8
/** Forty bits in hex: eight digits of base 32. */
const CODE_HEX_DIGITS = 10

/** The code of an affiliate; where another has it already, that of the next attempt. */
export const referralCodeOf = (accountId: string, attempt: number): string =>
  BigInt(`0x${hash('sha256', `referral ${accountId} ${attempt}`).slice(0, CODE_HEX_DIGITS)}`)
    .toString(32)
    .toUpperCase()
    .padStart(CODE_LENGTH, '0')

const TIME_HEX_DIGITS = 12

/**
 * What a command makes. Where the command may come again, it has to be found by the command alone, so that the id sorts by nothing;
 * others sort by their time.
 */
export function madeIdOf(
  prefix: string,
  { commandId, fingerprint, at }: { commandId: string; fingerprint: string | undefined; at: string },
): string {
  if (fingerprint === undefined) return prefixedId(prefix, at, commandId)
  const digits = commandId.replaceAll('-', '').slice(0, TIME_HEX_DIGITS)
  return prefixedId(prefix, new Date(Number.parseInt(digits, 16)).toISOString(), commandId)
}
