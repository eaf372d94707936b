/** Sessions of browsers that have not ended, and devices that ask for a key. */
import type { BrowserSessionEvent, DeviceLinkEvent } from '../../events/killatamata/sign-in.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, type RowOf, remove, upsert } from '../projection.ts'
import { killatamataTables } from './tables.ts'

export const sessions = defineTable({
  name: 'killatamata_sessions',
  key: ['session_id'],
  columns: {
    session_id: uuid,
    account_id: text,
    /** SHA-256 of the cookie, hex. */
    cookie_hash: text,
    expires_at: time,
    created_at: time,
  },
  indexes: ['(expires_at)'],
})
export type SessionRow = RowOf<typeof sessions>

export const sessionProjection = defineProjection<BrowserSessionEvent>({
  name: 'killatamata.session',
  version: 1,
  onPoison: 'park',
  tables: [sessions],
  handlers: {
    'killatamata.SessionOpened.v1': ({ data }) => [
      upsert(sessions, {
        ...snake(data, 'sessionId', 'accountId', 'cookieHash', 'expiresAt'),
        created_at: data.occurredAt,
      }),
    ],
    'killatamata.SessionEnded.v1': ({ data }) => [remove(sessions, snake(data, 'sessionId'))],
  },
})

/** Those under way: whose end is still to be noted. */
export const deviceLinks = defineTable({
  name: 'killatamata_device_links',
  key: ['link_id'],
  columns: { link_id: uuid, expires_at: time },
  indexes: ['(expires_at)'],
})

export const deviceLinkProjection = defineProjection<DeviceLinkEvent>({
  name: 'killatamata.deviceLink',
  version: 1,
  onPoison: 'park',
  tables: [deviceLinks],
  handlers: {
    'killatamata.LinkStarted.v1': ({ data }) => [upsert(deviceLinks, snake(data, 'linkId', 'expiresAt'))],
    'killatamata.LinkConsumed.v1': ({ data }) => [remove(deviceLinks, snake(data, 'linkId'))],
    'killatamata.LinkExpired.v1': ({ data }) => [remove(deviceLinks, snake(data, 'linkId'))],
  },
})

/** Sessions whose time is over at `now` (RFC 3339), the longest over first. */
export const findExpiredSessions = (db: ReadModels, now: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_sessions')
    .select('session_id')
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(limit)
    .execute()

/** Links whose time is over at `now` (RFC 3339), the longest over first. */
export const findExpiredLinks = (db: ReadModels, now: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_device_links')
    .select('link_id')
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(limit)
    .execute()
