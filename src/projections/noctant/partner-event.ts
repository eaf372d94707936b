/**
 * Which events partners are told of, by operator and time: what a replay is chosen from. An event names its operator, or
 * its account, or the execution account alone; the choice is made along the accounts.
 */
import { crc32 } from 'node:zlib'
import { sql } from 'kysely'
import type { Recorded } from '../../events/event.ts'
import { partnerEventOf, partnerEvents } from '../../events/noctant/partner-events.ts'
import type { EventReference } from '../../events/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { bigint, text, time, uuid } from '../columns.ts'
import { type Change, defineTable, type Projection, type RowOf, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

export const partnerEventTable = defineTable({
  name: 'noctant_partner_events',
  key: ['event_id'],
  columns: {
    event_id: uuid,
    /** The partners' name of it. */
    event_type: text,
    source_stream: text,
    source_revision: bigint,
    position: bigint,
    operator_id: uuid.orNull,
    program_account_id: uuid.orNull,
    account_id: uuid.orNull,
    created_at: time,
  },
  indexes: [
    '(operator_id, created_at) WHERE operator_id IS NOT NULL',
    '(program_account_id, created_at) WHERE program_account_id IS NOT NULL',
    '(account_id, created_at) WHERE account_id IS NOT NULL',
  ],
})

const idOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function taken(event: Recorded): Change[] {
  const partner = partnerEventOf(event)
  if (!partner) return []
  const { operatorId, programAccountId, accountId } = event.data
  const row: RowOf<typeof partnerEventTable> = {
    event_id: event.id,
    event_type: partner.type,
    source_stream: event.stream,
    source_revision: event.revision.toString(),
    position: event.position.toString(),
    operator_id: idOrNull(operatorId),
    program_account_id: idOrNull(programAccountId),
    account_id: idOrNull(accountId),
    created_at: event.recordedAt.toISOString(),
  }
  return [upsert(partnerEventTable, row)]
}

const handlers: Projection['handlers'] = Object.fromEntries([...partnerEvents.keys()].map((source) => [source, taken]))

/** Changes with the catalogue by itself, so that a type that is added to it is found for the past as well. */
const version = crc32(JSON.stringify([...partnerEvents].map(([source, { type }]) => [source, type]))) >>> 1

export const partnerEventProjection: Projection = {
  name: 'noctant.partnerEvent',
  version,
  onPoison: 'park',
  tables: [partnerEventTable],
  handlers,
}

export interface ReplayScope {
  operatorId: string
  /** One account; undefined: everything of the operator's. */
  programAccountId: string | undefined
  /** Partners' names. */
  eventTypes: readonly string[]
  /** Inclusive. */
  from: string
  /** Exclusive. */
  to: string
  limit: number
}

/** The events that a replay is about, in the log's order. */
export async function findReplaySources(db: ReadModels, scope: ReplayScope): Promise<EventReference[]> {
  const { operatorId, programAccountId, eventTypes, from, to, limit } = scope
  const one = programAccountId ?? null
  const { rows } = await sql<EventReference>`
    WITH owned AS (
      SELECT program_account_id, account_id FROM noctant_attempts
      WHERE operator_id = ${operatorId}::uuid AND (${one}::uuid IS NULL OR program_account_id = ${one}::uuid)
      UNION ALL
      SELECT NULL, backtest_run_id FROM noctant_historical_sessions
      WHERE operator_id = ${operatorId}::uuid AND ${one}::uuid IS NULL
    ), found AS (
      SELECT e.* FROM noctant_partner_events e
      WHERE e.operator_id = ${operatorId}::uuid AND (${one}::uuid IS NULL OR e.program_account_id = ${one}::uuid
        OR e.account_id IN (SELECT account_id FROM owned))
      UNION ALL
      SELECT e.* FROM (SELECT DISTINCT program_account_id FROM owned) o
        JOIN noctant_partner_events e ON e.program_account_id = o.program_account_id
      WHERE e.operator_id IS NULL
      UNION ALL
      SELECT e.* FROM owned o JOIN noctant_partner_events e ON e.account_id = o.account_id
      WHERE e.operator_id IS NULL AND e.program_account_id IS NULL
    )
    SELECT event_id AS "eventId", source_stream AS stream, source_revision AS revision FROM found
    WHERE event_type = ANY(${eventTypes}::text[]) AND created_at >= ${from}::timestamptz AND created_at < ${to}::timestamptz
    ORDER BY position LIMIT ${limit}`.execute(db)
  return rows
}

export interface AccountOwner {
  operator_id: string
  /** null: a backtest's run, which belongs to no account. */
  program_account_id: string | null
}

/** Whose an execution account is: by any attempt of an account, or by a historical session. */
export const findAccountOwner = (db: ReadModels, accountId: string): Promise<AccountOwner | undefined> =>
  noctantTables(db)
    .selectFrom('noctant_attempts')
    .select(({ ref }) => ['operator_id', ref('program_account_id').$castTo<string | null>().as('program_account_id')])
    .where('account_id', '=', accountId)
    .unionAll((eb) =>
      eb
        .selectFrom('noctant_historical_sessions')
        .select(({ cast, val }) => ['operator_id', cast<string | null>(val(null), 'uuid').as('program_account_id')])
        .where('backtest_run_id', '=', accountId),
    )
    .executeTakeFirst()
