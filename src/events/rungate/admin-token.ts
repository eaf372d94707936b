/** Facts of an admin token. Stream `rungate.adminToken-<id>`. */
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
