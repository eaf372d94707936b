/** Facts of an admin token. Streams `rungate.adminToken-<id>`, and `rungate.adminTokens-<id of the account>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { author, keyFacts, scope, time, uuid } from './vocabulary.ts'

const ofToken = { accountId: uuid, tokenId: uuid, occurredAt: time }

export const adminTokenEvents = {
  'rungate.AdminTokenIssued.v1': z.object({
    ...ofToken,
    ...keyFacts.shape,
    name: z.string(),
    description: z.string().nullable(),
    scopes: z.array(scope),
    expiresAt: time.nullable(),
    author,
  }),
  'rungate.AdminTokenRevoked.v1': z.object({ ...ofToken, author }),
  /** Noted at the first use, and then now and again. */
  'rungate.AdminTokenUseNoted.v1': z.object({ ...ofToken, usedAt: time }),
}
export type AdminTokenEvent = EventOf<typeof adminTokenEvents>
export type AdminTokenFacts = Extract<AdminTokenEvent, { type: 'rungate.AdminTokenIssued.v1' }>['data']

/** How many tokens an account has, and which made which. */
export const adminTokenPlaceEvents = {
  'rungate.AdminTokenPlaceTaken.v1': z.object({
    ...ofToken,
    /** The token that asked for it; null: a person did, or the registration. */
    madeBy: uuid.nullable(),
    expiresAt: time.nullable(),
  }),
  /** It was revoked, or the one that it was made with was. */
  'rungate.AdminTokenPlaceFreed.v1': z.object({ ...ofToken, author }),
}
export type AdminTokenPlaceEvent = EventOf<typeof adminTokenPlaceEvents>
