/**
 * Codes of affiliates, over the streams that they touch: whose a code is, following its link, and binding an account to it. Every step
 * may be done again. A code of an affiliate who was forgotten is nobody's.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SignedTokens } from '../../adapters/identity/signed-tokens.ts'
import { stepContext, systemContext } from '../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId, fingerprintOf } from '../../commands/identity.ts'
import { account } from '../../commands/killatamata/account.ts'
import { affiliate } from '../../commands/killatamata/affiliate.ts'
import { affiliateBinding, type ReferralFacts } from '../../commands/killatamata/affiliate-binding.ts'
import { affiliateCode, codeNotFound } from '../../commands/killatamata/affiliate-code.ts'
import { referralCodeOf } from '../../commands/killatamata/ids.ts'
import { Rejected } from '../../commands/killatamata/rejection.ts'

export interface AffiliateTerms {
  /** Of each deposit, in hundredths of a percent, for so many months after the binding. */
  commissionBasisPoints: number
  commissionMonths: number
  /** Between a deposit and the time when its commission can be paid. */
  holdMs: number
  payoutMinimumMicros: bigint
  /** Who applies is approved by people first. */
  isReviewed: boolean
  /** How long the token of a link that was followed is good. */
  captureMs: number
}

export interface Referring {
  bus: CommandBus
  terms: AffiliateTerms
  /** Of links that were followed. */
  captureTokens: SignedTokens
}

type Bus = Pick<Referring, 'bus'>

const CODE = /^[A-Z0-9]{4,32}$/

/** As codes are compared; undefined: nobody can have it. */
function plainCode(given: string): string | undefined {
  const code = given.trim().toUpperCase()
  return CODE.test(code) ? code : undefined
}

export interface Referrer {
  code: string
  accountId: string
  displayName: string
}

/** Whose a code is, written anyhow; undefined: nobody's. */
export async function referrerOf({ bus }: Bus, given: string): Promise<Referrer | undefined> {
  const code = plainCode(given)
  const { accountId } = code === undefined ? { accountId: null } : await bus.current(affiliateCode, code)
  if (code === undefined || accountId === null) return undefined
  const [person, own] = await Promise.all([bus.current(account, accountId), bus.current(affiliate, accountId)])
  if (person.status !== 'active' || own.status !== 'active') return undefined
  return { code, accountId, displayName: own.profile.displayName }
}

/** Throws Rejected: affiliate_code_not_found. */
export async function requireReferrer(parts: Bus, given: string, pointer?: string): Promise<Referrer> {
  const referrer = await referrerOf(parts, given)
  if (!referrer) throw codeNotFound(pointer)
  return referrer
}

/** Of a code, more than one in a billion; each further one is as unlikely. */
const ATTEMPTS_MAX = 20

/** The code of an affiliate, made where there is none: the same one, however many ask at once. */
export async function ownCode(
  { bus }: Bus,
  accountId: string,
  context: CommandContext,
): Promise<{ code: string; position: bigint | undefined }> {
  for (let attempt = 0; ; attempt++) {
    const code = referralCodeOf(accountId, attempt)
    try {
      const issue = { kind: 'issue', code, accountId, at: context.at } as const
      const { position } = await bus.handle(affiliateCode, code, issue, context)
      return { code, position }
    } catch (error) {
      const isTaken = error instanceof Rejected && error.code === 'affiliate_code_taken'
      if (!isTaken || attempt === ATTEMPTS_MAX) throw error
    }
  }
}

const monthsAfter = (at: string, months: number): string => {
  const time = new Date(at)
  time.setUTCMonth(time.getUTCMonth() + months)
  return time.toISOString()
}

export interface Binding {
  accountId: string
  code: string
  /** When the link was followed; null: nobody has said so. */
  capturedAt: string | null
}

/**
 * Binds an account to a code, once for ever. Throws Rejected: affiliate_code_not_found, affiliate_self_referral,
 * affiliate_already_bound.
 */
export async function bindReferral(
  parts: Referring,
  { accountId, code: given, capturedAt }: Binding,
  context: CommandContext,
): Promise<{ facts: ReferralFacts; position: bigint | undefined; replayed: boolean }> {
  const { bus, terms } = parts
  const { at } = context
  const { code, accountId: affiliateAccountId } = await requireReferrer(parts, given, '/code')
  const until = monthsAfter(at, terms.commissionMonths)
  const facts = {
    ...{ accountId, affiliateAccountId, code, capturedAt, occurredAt: at },
    ...{ commissionBasisPoints: terms.commissionBasisPoints, commissionUntil: until },
  }
  const { state, position, replayed } = await bus.handle(affiliateBinding, accountId, { kind: 'bind', facts }, context)
  const bound = state.bound ?? facts
  const counted = await countSignup(parts, bound, context)
  return { facts: bound, position: later(position, counted), replayed }
}

const later = (a: bigint | undefined, b: bigint | undefined): bigint | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a

/** Counts a bound account, once, whoever comes to it first. */
export async function countSignup(
  { bus }: Bus,
  { accountId, code }: Pick<ReferralFacts, 'accountId' | 'code'>,
  context: CommandContext,
): Promise<bigint | undefined> {
  const step = stepContext(context, deterministicId('killatamata.referral', 'count', accountId))
  const once = { ...step, fingerprint: fingerprintOf({ accountId, code }) }
  const { position } = await bus.handle(affiliateCode, code, { kind: 'count', code, at: context.at }, once)
  return position
}

/** What a checkout says of the code that came along. Throws Rejected where the code is nobody's, or the buyer's own. */
export async function bindAtCheckout(
  parts: Referring,
  accountId: string,
  code: string | undefined,
  context: CommandContext,
): Promise<{ bound: true } | { bound: false; reason: 'already_bound' } | null> {
  if (code === undefined) return null
  try {
    const step = stepContext(context, deterministicId('killatamata.referral', 'bind', context.commandId))
    await bindReferral(parts, { accountId, code, capturedAt: null }, step)
    return { bound: true }
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    if (error.code === 'affiliate_already_bound') return { bound: false, reason: 'already_bound' }
    throw new Rejected(error.code as 'affiliate_code_not_found', error.message, '/affiliateCode')
  }
}

/**
 * Notes that links were followed: those of one code that come while one is being noted are noted together, so that a popular link
 * writes no faster than the log takes it.
 */
export function createClicks({ bus }: Bus) {
  const waiting = new Map<string, { clicks: number; noted: Promise<bigint | undefined> }>()
  const underWay = new Map<string, Promise<bigint | undefined>>()

  async function note(code: string, context: CommandContext, before: Promise<unknown> | undefined) {
    await (before ?? nextTurn()).catch(() => undefined)
    const { clicks = 1 } = waiting.get(code) ?? {}
    waiting.delete(code)
    const own = systemContext('killatamata-clicks', context.commandId, context.at, { requestId: context.requestId })
    return (await bus.handle(affiliateCode, code, { kind: 'capture', code, clicks, at: context.at }, own)).position
  }

  /** One more; resolves when it is in the log. */
  return (code: string, context: CommandContext): Promise<bigint | undefined> => {
    const group = waiting.get(code)
    if (group) {
      group.clicks += 1
      return group.noted
    }
    const noted = note(code, context, underWay.get(code))
    waiting.set(code, { clicks: 1, noted })
    underWay.set(code, noted)
    const done = () => {
      if (underWay.get(code) === noted) underWay.delete(code)
    }
    noted.then(done, done)
    return noted
  }
}
export type NoteClick = ReturnType<typeof createClicks>
