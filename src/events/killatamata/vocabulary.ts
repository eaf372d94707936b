/** Words that several killatamata events share, as schemas. Storage format: superseded, never edited. */
import { z } from 'zod'

export const time = z.iso.datetime()
export const uuid = z.uuid()
/** Of a secret, hex. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** `acct_` and 26 characters that sort by time. The member is named `accountId` in every event of an account's. */
export const accountId = z.string().regex(/^acct_[0-9A-HJKMNP-TV-Z]{26}$/)
/** A whole number of millionths of a dollar, as text: an amount is never a double. */
export const usdMicros = z.string().regex(/^\d{1,16}$/)
/** A whole number of cents, as text. */
export const usdCents = z.string().regex(/^\d{1,16}$/)

/** Who takes a payment. */
export const provider = z.enum(['stripe', 'coinbase', 'x402'])
export type Provider = z.infer<typeof provider>
/** Providers on whose pages packages are bought. */
export const checkoutProvider = provider.exclude(['x402'])
export type CheckoutProvider = z.infer<typeof checkoutProvider>

/** What proves that somebody is a person. */
export const identityKind = z.enum(['email', 'google'])
export type IdentityKind = z.infer<typeof identityKind>

/** What is kept of an API key: `textId` stands in its own text, by which it is found. */
export const keyFacts = z.object({
  keyId: z.string(),
  textId: z.string(),
  keyHash: sha256,
  /** The first characters of its text, by which people tell keys apart. */
  keyPrefix: z.string(),
  label: z.string().nullable(),
})
export type KeyFacts = z.infer<typeof keyFacts>

/** What a key was made by. */
export const keySource = z.enum(['email', 'google', 'device_link', 'key', 'session', 'sandbox'])
export type KeySource = z.infer<typeof keySource>
