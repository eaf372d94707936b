/** Tokens that say something of ours until a time, signed with a key of the installation (JWT, HS256). */
import { errors, jwtVerify, SignJWT } from 'jose'

export type Claims = Readonly<Record<string, string>>

export interface SignedTokens {
  /** The same claims and times make the same text. Times are true to the second. */
  sign(claims: Claims, times: { at: Date; expiresAt: Date }): Promise<string>
  /** What it says; undefined: it is none of ours, or has ended. */
  read(text: string, now: Date): Promise<{ claims: Claims; at: Date; expiresAt: Date } | undefined>
}

const ALGORITHM = 'HS256'
const secondsOf = (time: Date): number => Math.floor(time.getTime() / 1_000)
const dateOf = (seconds = 0): Date => new Date(seconds * 1_000)

/** `key`: at least 32 bytes, of this kind of token alone. */
export function createSignedTokens(key: () => Promise<Uint8Array>): SignedTokens {
  return {
    sign: async (claims, { at, expiresAt }) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuedAt(secondsOf(at))
        .setExpirationTime(secondsOf(expiresAt))
        .sign(await key()),
    async read(text, now) {
      try {
        const { payload } = await jwtVerify(text, await key(), {
          ...{ algorithms: [ALGORITHM], currentDate: now, requiredClaims: ['iat', 'exp'] },
        })
        const { iat, exp, ...said } = payload
        const claims = Object.fromEntries(Object.entries(said).filter(([, value]) => typeof value === 'string'))
        return { claims: claims as Claims, at: dateOf(iat), expiresAt: dateOf(exp) }
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined
        throw error
      }
    },
  }
}
