/** What projections could not take in, for people who look at it. */
import { sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import { kernelTables } from '../kernel-tables.ts'
import type { parkedEvents } from '../parking.ts'
import type { RowOf } from '../projection.ts'

export type ParkedRow = RowOf<typeof parkedEvents>

export interface ParkedOf {
  projection: string
  /** Absent: of all streams. */
  stream?: string
}

/** In the order of their streams, the poison event of each first. */
export const parkedRows = (db: ReadModels, { projection, stream }: ParkedOf, limit: number): Promise<ParkedRow[]> =>
  kernelTables(db)
    .selectFrom('opslog_parked_events')
    .selectAll()
    .where('projection', '=', projection)
    .$if(stream !== undefined, (query) => query.where('stream', '=', stream ?? ''))
    .orderBy('stream')
    .orderBy('revision')
    .limit(limit)
    .execute()

export interface ParkedStream {
  projection: string
  stream: string
  events: string
  first_revision: string
  parked_at: string
}

/** Streams with what is parked of each, those first that have waited longest. */
export const parkedStreams = (db: ReadModels, limit: number): Promise<ParkedStream[]> =>
  kernelTables(db)
    .selectFrom('opslog_parked_events')
    .select(['projection', 'stream'])
    .select([
      sql<string>`count(*)`.as('events'),
      sql<string>`min(revision)`.as('first_revision'),
      sql<string>`min(parked_at)`.as('parked_at'),
    ])
    .groupBy(['projection', 'stream'])
    .orderBy('parked_at')
    .limit(limit)
    .execute()
