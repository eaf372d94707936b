/** Words that several rungate events share, as schemas. Storage format: superseded, never edited. */
import { z } from 'zod'

export const time = z.iso.datetime()
export const uuid = z.uuid()
/** US dollars as decimal text: an amount is never a double. */
export const usd = z.string().regex(/^\d{1,40}(\.\d{1,40})?$/)
/** Of a key or token, hex. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

export const scope = z.enum(['read', 'write', 'admin'])
export type Scope = z.infer<typeof scope>

export const tier = z.enum(['free', 'pro', 'growth', 'enterprise'])
export type Tier = z.infer<typeof tier>

export const visibility = z.enum(['org', 'personal'])
export type Visibility = z.infer<typeof visibility>

/** What a member may do in its account; one has all of it, and gives it away. */
export const role = z.enum(['owner', 'admin', 'member', 'viewer'])
export type Role = z.infer<typeof role>
/** Roles that may be given. */
export const givenRole = role.exclude(['owner'])
export type GivenRole = z.infer<typeof givenRole>

/** Who did it: a member's id, a token's id, or `system`; `tokenId` where it was a token. */
export const author = z.object({ id: z.string(), tokenId: uuid.nullable() })
export type Author = z.infer<typeof author>

/** What is kept of a key or token: `textId` stands in its own text, by which it is found. */
export const keyFacts = z.object({
  textId: z.string(),
  keyHash: sha256,
  /** The first characters of its text, by which people tell keys apart. */
  keyPrefix: z.string(),
})
export type KeyFacts = z.infer<typeof keyFacts>

/** What has names that are unique within an account. */
export const nameKind = z.enum(['policy', 'agent', 'providerKey', 'adminToken', 'alertRule', 'webhook'])
export type NameKind = z.infer<typeof nameKind>
