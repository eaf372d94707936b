/** How often callers may ask and try, counted by all processes together. */
import { hash } from 'node:crypto'
import type { ReadModels } from '../../postgres/database.ts'
import type { KillatamataSettings } from '../../processes/killatamata/settings.ts'
import { addRateCounts } from '../../projections/rate-counts.ts'
import { refuseBeyond, WINDOW_MS } from '../rate-limit.ts'

export interface SignInLimits {
  requestsPerMinuteMax: number
  triesPerMinuteMax: number
  startsPerAddressMax: number
  startsPerClientMax: number
  userCodeMissesMax: number
  codeMs: number
  sessionMs: number
  linkMs: number
  linkIntervalS: number
}

export const limitsOf = (settings: KillatamataSettings): SignInLimits => ({
  requestsPerMinuteMax: settings.ACCOUNT_REQUESTS_PER_MIN,
  triesPerMinuteMax: settings.SIGN_IN_PER_CLIENT_PER_MIN,
  startsPerAddressMax: settings.EMAIL_STARTS_PER_ADDRESS_PER_HOUR,
  startsPerClientMax: settings.EMAIL_STARTS_PER_CLIENT_PER_HOUR,
  userCodeMissesMax: settings.USER_CODE_MISSES_PER_CLIENT_PER_MIN,
  codeMs: settings.KILLATAMATA_CODE_S * 1_000,
  sessionMs: settings.KILLATAMATA_SESSION_S * 1_000,
  linkMs: settings.KILLATAMATA_LINK_S * 1_000,
  linkIntervalS: settings.KILLATAMATA_LINK_INTERVAL_S,
})

const HOUR_MS = 3_600_000

interface Parts {
  db: ReadModels
  clock: () => Date
  limits: SignInLimits
}

interface Limit {
  kind: string
  /** Kept as its digest: an address is nobody's business. */
  who: string
  max: number
  detail: string
  windowMs: number
}

/** Counts one more; throws a Problem (429, Retry-After) beyond `max`. */
async function limitAttempts({ db, clock }: Parts, { kind, who, max, detail, windowMs }: Limit): Promise<void> {
  const at = clock().getTime()
  const resetMs = windowMs - (at % windowMs)
  const key = hash('sha256', JSON.stringify(['killatamata', kind, who]), 'base64url')
  // By its end, so that the row is dropped when its window is over and not before.
  const counts = await addRateCounts(db, new Date(at + resetMs), new Map([[key, 1]]))
  const refusal = refuseBeyond(max, { count: counts.get(key) ?? 1, resetMs }, detail)
  if (refusal) throw refusal
}

/** Of one client address, whatever it tries to sign in by. */
export const limitTries = (parts: Parts, address: string) =>
  limitAttempts(parts, {
    ...{ kind: 'try', who: address, max: parts.limits.triesPerMinuteMax, windowMs: WINDOW_MS },
    detail: `A client address may try to sign in ${parts.limits.triesPerMinuteMax} times per minute.`,
  })

/** Of codes that are mailed: for one client address, and for whom they go to. */
export async function limitStarts(parts: Parts, address: string, email: string): Promise<void> {
  const { startsPerClientMax, startsPerAddressMax } = parts.limits
  await limitAttempts(parts, {
    ...{ kind: 'start', who: address, max: startsPerClientMax, windowMs: HOUR_MS },
    detail: `A client address may ask for ${startsPerClientMax} codes per hour.`,
  })
  await limitAttempts(parts, {
    ...{ kind: 'mail', who: email, max: startsPerAddressMax, windowMs: HOUR_MS },
    detail: `An address is sent ${startsPerAddressMax} codes per hour at most.`,
  })
}

/** Of user codes that nobody has, which may be guesses. */
export const limitUserCodeMisses = (parts: Parts, address: string) =>
  limitAttempts(parts, {
    ...{ kind: 'userCode', who: address, max: parts.limits.userCodeMissesMax, windowMs: WINDOW_MS },
    detail: `A client address may ask about ${parts.limits.userCodeMissesMax} unknown codes per minute.`,
  })
