/** Facts of an operator's user. Stream `noctant.user-<globalUserId>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { time, uuid } from './vocabulary.ts'

const profile = {
  globalUserId: uuid,
  operatorId: uuid,
  email: z.string().nullable(),
  displayName: z.string().nullable(),
  occurredAt: time,
}

export const userEvents = {
  'noctant.UserProvisioned.v1': z.object({ ...profile, orgId: uuid, externalId: z.string() }),
  /** The profile as it is from now on, whole. */
  'noctant.UserProfileRefreshed.v1': z.object(profile),
}
export type UserEvent = EventOf<typeof userEvents>
