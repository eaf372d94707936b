/**
 * Parked events: those that a projection could not take in, and those behind them in their streams. Without their
 * predecessor these would make a row that never was. They wait, in order, until an engineer has mended the cause.
 */
import { sql } from 'kysely'
import type { Delivered } from '../events/subscription.ts'
import type { ReadModels } from '../postgres/database.ts'
import type { BatchedQuery } from '../postgres/pool.ts'
import { bigint, text, time, uuid } from './columns.ts'
import { kernelTables } from './kernel-tables.ts'
import { defineTable, type Projection } from './projection.ts'

export const parkedEvents = defineTable({
  name: 'opslog_parked_events',
  key: ['projection', 'stream', 'revision'],
  columns: {
    projection: text,
    stream: text,
    revision: bigint,
    position: bigint,
    event_id: uuid,
    type: text,
    /** Why, in a sentence. */
    fault: text,
    parked_at: time.with('DEFAULT now()'),
  },
})

export interface Parking {
  projection: Projection
  event: Delivered
  fault: string
  /** The event is itself at fault, not merely behind one that is. */
  first: boolean
}

/** Names a stream within a projection. */
export const parkedKey = (projection: string, stream: string): string => `${projection} ${stream}`

/** A person reads it in a table. */
const FAULT_LENGTH_MAX = 1_000

/** A fault as the table takes it: Postgres has no NUL in text. */
export const storable = (fault: string): string => fault.replaceAll('\0', '').slice(0, FAULT_LENGTH_MAX)

const PARK =
  'INSERT INTO opslog_parked_events (projection, stream, revision, position, event_id, type, fault) ' +
  'SELECT projection, stream, revision, position, event_id, type, fault ' +
  'FROM jsonb_populate_recordset(null::opslog_parked_events, $1::jsonb) ON CONFLICT DO NOTHING'

/** What parks these events. */
export function parkQueries(parkings: readonly Parking[]): BatchedQuery[] {
  if (parkings.length === 0) return []
  const rows = parkings.map(({ projection, event, fault }) => ({
    projection: projection.name,
    stream: event.stream,
    revision: event.revision.toString(),
    position: event.position.toString(),
    event_id: event.id,
    type: event.type,
    fault: storable(fault),
  }))
  return [{ sql: PARK, parameters: [JSON.stringify(rows)] }]
}

/** Keeps other processes from parking and retrying until the transaction ends, so that no event slips in between. */
export async function lockParked(trx: ReadModels): Promise<void> {
  await sql`LOCK TABLE opslog_parked_events IN SHARE ROW EXCLUSIVE MODE`.execute(trx)
}

/** The streams that are parked, as `parkedKey`s. */
export async function parkedStreams(trx: ReadModels): Promise<Set<string>> {
  const rows = await kernelTables(trx)
    .selectFrom('opslog_parked_events')
    .select(['projection', 'stream'])
    .distinct()
    .execute()
  return new Set(rows.map(({ projection, stream }) => parkedKey(projection, stream)))
}

/** Events that are parked, of every projection, counted up to a bound. */
export async function parkedCount(db: ReadModels): Promise<number> {
  const { rows } = await sql<{ events: string }>`SELECT count(*) AS events
    FROM (SELECT FROM opslog_parked_events LIMIT ${COUNTED_MAX}) AS parked`.execute(db)
  return Number(rows[0]?.events ?? 0)
}

/** Beyond it a readiness says only that there are many: counting them all would take its time. */
const COUNTED_MAX = 10_000
