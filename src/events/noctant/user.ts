/** Facts of an operator's user. Stream `noctant.user-<globalUserId>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { time, uuid } from './vocabulary.ts'

const profile = {
  globalUserId: uuid,
  operatorId: uuid,
  email: personal(z.string().nullable()),
  displayName: personal(z.string().nullable()),
  occurredAt: time,
}

export const userEvents = {
  'noctant.UserProvisioned.v1': z.object({ ...profile, orgId: uuid, externalId: z.string() }),
  /** The profile as it is from now on, whole. */
  'noctant.UserProfileRefreshed.v1': z.object(profile),
  /**
   * The person's key is destroyed: no personal field of any event about them can be read any more, in whatever copy of
   * the log. Itself it says nothing personal.
   */
  'noctant.UserForgotten.v1': z.object({
    globalUserId: uuid,
    operatorId: uuid,
    /** Of the request to forget, in the administrator's files: why this was done. */
    reference: z.string().nullable(),
    occurredAt: time,
  }),
}
export type UserEvent = EventOf<typeof userEvents>
