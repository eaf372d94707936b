/** Who has a name. Stream `rungate.name-<id of account, kind and folded name>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { nameKind, time, uuid } from './vocabulary.ts'

const ofName = { accountId: uuid, kind: nameKind, name: z.string(), ownerId: uuid, occurredAt: time }

export const nameEvents = {
  'rungate.NameClaimed.v1': z.object({
    ...ofName,
    /** What the owner's first event says, so that it can be made from this one alone; null: the owner is there already. */
    creation: z.record(z.string(), z.unknown()).nullable(),
  }),
  'rungate.NameReleased.v1': z.object(ofName),
}
export type NameEvent = EventOf<typeof nameEvents>
export type NameClaim = Extract<NameEvent, { type: 'rungate.NameClaimed.v1' }>['data']

/** As names are compared and searched. */
export const folded = (name: string): string => name.normalize('NFC').toLowerCase()
