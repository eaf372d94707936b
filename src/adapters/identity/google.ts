/**
 * ID tokens of Google: who they say somebody is, checked against Google's published keys. The keys are fetched when a token names one
 * that is not known, and kept. Jose is loaded here alone.
 */
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'

export interface GoogleOptions {
  /** Of our application with Google: tokens for others are refused. */
  clientId: string
  /** Both spellings of Google's. */
  issuers: readonly string[]
  keysUrl: string
  /** For one fetch of the keys. */
  timeoutMs: number
}

/** Whom a token stands for. */
export interface GooglePerson {
  /** Google's own id of the person, which never changes. */
  subject: string
  email: string
  /** Until when anybody takes the token, leeway included. */
  expiresAt: Date
}

export interface Google {
  /** Throws IdTokenInvalid, or IdTokenKeysUnavailable where it cannot be told. */
  verify(idToken: string, now: Date): Promise<GooglePerson>
}

export class IdTokenInvalid extends Error {
  override name = 'IdTokenInvalid'
}

/** Google's keys cannot be fetched, and none of those that are known has signed the token. */
export class IdTokenKeysUnavailable extends Error {
  override name = 'IdTokenKeysUnavailable'
}

/** By which clocks may differ. */
const LEEWAY_S = 60
/** Between two fetches for the sake of unknown keys: made-up ones must not make us ask all the time. */
const KEYS_COOLDOWN_MS = 30_000
const SUBJECT_LENGTH_MAX = 255

export function openGoogle({ clientId, issuers, keysUrl, timeoutMs }: GoogleOptions): Google {
  const keys = createRemoteJWKSet(new URL(keysUrl), {
    timeoutDuration: timeoutMs,
    cooldownDuration: KEYS_COOLDOWN_MS,
  })
  return {
    async verify(idToken, now) {
      try {
        const { payload } = await jwtVerify(idToken, keys, {
          ...{ algorithms: ['RS256'], issuer: [...issuers], audience: clientId },
          ...{ clockTolerance: LEEWAY_S, currentDate: now, requiredClaims: ['exp', 'sub'] },
        })
        return personIn(payload)
      } catch (error) {
        throw failureOf(error)
      }
    },
  }
}

function personIn({ sub, exp, email, email_verified: isVerified }: JWTPayload): GooglePerson {
  const isNamed = typeof sub === 'string' && sub !== '' && sub.length <= SUBJECT_LENGTH_MAX
  if (!isNamed || typeof exp !== 'number') throw new IdTokenInvalid('the token names nobody')
  if (isVerified !== true || typeof email !== 'string') throw new IdTokenInvalid('the address is not verified')
  return { subject: sub, email, expiresAt: new Date((exp + LEEWAY_S) * 1_000) }
}

/** A key set that answers and lacks the key says that the token is bad; one that does not answer says nothing. */
function failureOf(error: unknown): Error {
  if (error instanceof IdTokenInvalid) return error
  const isOfToken = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)
  // What jose throws where the keys' address answers with anything but keys.
  const isOfKeys = error instanceof errors.JWKSInvalid || (error as { code?: unknown }).code === 'ERR_JOSE_GENERIC'
  if (isOfToken && !isOfKeys) return new IdTokenInvalid('the token is not good', { cause: error })
  return new IdTokenKeysUnavailable('the keys that sign ID tokens cannot be fetched', { cause: error })
}
