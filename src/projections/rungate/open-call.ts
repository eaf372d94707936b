/** Calls that are under way, and the desks at which the clock has something to decide. */
import { sql } from 'kysely'
import type { DeskEvent } from '../../events/rungate/desk.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { time, uuid } from '../columns.ts'
import { defineProjection, defineTable, remove, upsert } from '../projection.ts'

export const openCalls = defineTable({
  name: 'rungate_open_calls',
  key: ['call_id'],
  columns: {
    call_id: uuid,
    account_id: uuid,
    agent_id: uuid,
    run_id: uuid,
    /** Of the process that admitted it. */
    process_id: uuid,
    started_at: time,
    expires_at: time,
  },
  indexes: ['(expires_at)', '(run_id)'],
})

export const openCallProjection = defineProjection<DeskEvent>({
  name: 'rungate.openCall',
  version: 1,
  onPoison: 'halt',
  tables: [openCalls],
  handlers: {
    'rungate.CallReserved.v1': ({ data }) => [upsert(openCalls, snake(data))],
    'rungate.CallSettled.v1': ({ data }) => [remove(openCalls, { call_id: data.callId })],
    'rungate.CallExpired.v1': ({ data }) => [remove(openCalls, { call_id: data.callId })],
  },
})

export interface DueDesk {
  agent_id: string
  account_id: string
}

/** Desks with calls past their time. */
export async function desksWithLateCalls(db: ReadModels, now: string, limit: number): Promise<DueDesk[]> {
  const { rows } = await sql<DueDesk>`SELECT agent_id, account_id FROM rungate_open_calls
    WHERE expires_at <= ${now}::timestamptz GROUP BY agent_id, account_id ORDER BY min(expires_at) LIMIT ${limit}`.execute(
    db,
  )
  return rows
}

/** Desks with calls that began before a time, and the processes that admitted them. */
export async function desksWithOldCalls(db: ReadModels, before: string, limit: number) {
  const { rows } = await sql<DueDesk & { process_ids: string[] }>`SELECT agent_id, account_id,
      array_agg(DISTINCT process_id) AS process_ids FROM rungate_open_calls
    WHERE started_at < ${before}::timestamptz GROUP BY agent_id, account_id ORDER BY agent_id LIMIT ${limit}`.execute(
    db,
  )
  return rows
}

/**
 * Desks with running runs in which nothing happened for as long as their policy allows, and which wait for no approval: those may be
 * many, and would keep the others out of the batch.
 */
export async function desksWithIdleRuns(db: ReadModels, now: string, limit: number): Promise<DueDesk[]> {
  const { rows } = await sql<DueDesk>`SELECT agent_id, account_id FROM rungate_runs run
    WHERE status = 'running' AND coalesce(last_step_at, started_at)
        + make_interval(secs => (settings->'implicitRunGrouping'->>'runIdleTimeoutSeconds')::float8) <= ${now}::timestamptz
      AND NOT EXISTS (SELECT FROM rungate_open_calls call WHERE call.run_id = run.run_id)
      AND NOT EXISTS (SELECT FROM rungate_approvals waits WHERE waits.run_id = run.run_id AND waits.status = 'pending'
        AND waits.expires_at > ${now}::timestamptz)
    GROUP BY agent_id, account_id ORDER BY min(coalesce(last_step_at, started_at)) LIMIT ${limit}`.execute(db)
  return rows
}

/** Whose desk a call is at, whether it is under way or has expired; undefined: there is no such call. */
export async function deskOfCall(db: ReadModels, callId: string): Promise<DueDesk | undefined> {
  const { rows } =
    await sql<DueDesk>`SELECT agent_id, account_id FROM rungate_open_calls WHERE call_id = ${callId}::uuid
    UNION SELECT agent_id, account_id FROM rungate_steps WHERE step_id = ${callId}::uuid LIMIT 1`.execute(db)
  return rows[0]
}
