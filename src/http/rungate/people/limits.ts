/** How often people may ask and try, and how long what they are sent is good. */
import type { RungateSettings } from '../../../processes/rungate/settings.ts'
import { type Counted, countAttempt } from '../../../projections/rungate/attempts.ts'
import { refuseBeyond } from '../../rate-limit.ts'
import type { RungateParts } from '../access.ts'

export interface PeopleLimits {
  loginMs: number
  loginsPerCallerMax: number
  loginsPerEmailMax: number
  loginsMax: number
  verificationsMax: number
  invitationMs: number
  invitationsMax: number
  resendsMax: number
}

export const peopleLimitsOf = (settings: RungateSettings): PeopleLimits => ({
  loginMs: settings.RUNGATE_LOGIN_S * 1_000,
  loginsPerCallerMax: settings.RUNGATE_LOGINS_PER_CALLER_HOUR_MAX,
  loginsPerEmailMax: settings.RUNGATE_LOGINS_PER_EMAIL_HOUR_MAX,
  loginsMax: settings.RUNGATE_LOGINS_PER_HOUR_MAX,
  verificationsMax: settings.RUNGATE_VERIFICATIONS_MAX,
  invitationMs: settings.RUNGATE_INVITATION_S * 1_000,
  invitationsMax: settings.RUNGATE_INVITATIONS_PER_HOUR_MAX,
  resendsMax: settings.RUNGATE_RESENDS_PER_HOUR_MAX,
})

export const HOUR_MS = 3_600_000
const QUARTER_MS = 900_000

/** Counts one more; throws a Problem (429, Retry-After) beyond `max`. */
export async function limitAttempts(
  { db, clock }: Pick<RungateParts, 'db' | 'clock'>,
  { kind, caller, max, detail, windowMs = HOUR_MS }: Limit,
): Promise<void> {
  const counted: Counted = await countAttempt(db, { kind, caller, windowMs, now: clock() })
  const refusal = refuseBeyond(max, counted, detail)
  if (refusal) throw refusal
}
interface Limit {
  kind: string
  caller: string
  max: number
  detail: string
  windowMs?: number
}

/** Of links, codes and invitations that an address tries. */
export const limitVerifications = (
  { peopleLimits: { verificationsMax: max }, ...parts }: Pick<RungateParts, 'db' | 'clock' | 'peopleLimits'>,
  address: string,
) =>
  limitAttempts(parts, {
    ...{ kind: 'verification', caller: address, max, windowMs: QUARTER_MS },
    detail: `An address may try ${max} links and codes within 15 minutes.`,
  })
