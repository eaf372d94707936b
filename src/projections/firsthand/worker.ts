/** Workers, their tokens, and what they have earned. */
import type { WorkerEvent } from '../../events/firsthand/worker.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, boolean, byBeginning, integer, text, time } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { firsthandTables, preparedOne } from './tables.ts'

export const workers = defineTable({
  name: 'firsthand_workers',
  key: ['worker_id'],
  columns: {
    worker_id: text,
    /** Personal, as the address is. */
    name: text.orNull,
    email: text.orNull,
    synthetic: boolean,
    status: text.of<'active' | 'suspended' | 'forgotten'>(),
    created_at: time,
  },
  indexes: [byBeginning('worker_id')],
})

export const workerTokens = defineTable({
  name: 'firsthand_worker_tokens',
  key: ['token_id'],
  columns: {
    token_id: text,
    worker_id: text,
    /** The id in the token's own text. */
    text_id: text,
    /** SHA-256 of the token, hex. */
    token_hash: text,
    hint: text,
    created_at: time,
    revoked_at: time.orNull,
  },
})

export const workerProjection = defineProjection<WorkerEvent>({
  name: 'firsthand.worker',
  version: 2,
  onPoison: 'park',
  tables: [workers, workerTokens],
  handlers: {
    'firsthand.WorkerRegistered.v1': ({ data }) => [
      upsert(workers, { ...snake(data), status: 'active', created_at: data.occurredAt }),
    ],
    'firsthand.WorkerSuspended.v1': ({ data }) => [patch(workers, snake(data, 'workerId'), { status: 'suspended' })],
    'firsthand.WorkerResumed.v1': ({ data }) => [patch(workers, snake(data, 'workerId'), { status: 'active' })],
    'firsthand.WorkerForgotten.v1': ({ data }) => [
      patch(workers, snake(data, 'workerId'), { name: null, email: null, status: 'forgotten' }),
    ],
    'firsthand.WorkerTokenIssued.v1': ({ data }) => [
      upsert(workerTokens, { ...snake(data), created_at: data.occurredAt, revoked_at: null }),
    ],
    'firsthand.WorkerTokenRevoked.v1': ({ data }) => [
      patch(workerTokens, snake(data, 'tokenId'), { revoked_at: data.occurredAt }),
    ],
  },
})

export const earnings = defineTable({
  name: 'firsthand_earnings',
  key: ['submission_id'],
  columns: { submission_id: text, worker_id: text, job_id: text, amount_cents: bigint, created_at: time },
  indexes: ['(worker_id, created_at DESC, submission_id DESC)'],
})
export type EarningRow = RowOf<typeof earnings>

export const workerBalances = defineTable({
  name: 'firsthand_worker_balances',
  key: ['worker_id'],
  columns: { worker_id: text, balance_cents: bigint, approved_count: integer },
})

export const earningProjection = defineProjection<WorkerEvent>({
  name: 'firsthand.earning',
  version: 1,
  onPoison: 'halt',
  tables: [earnings, workerBalances],
  handlers: {
    'firsthand.WorkerRegistered.v1': ({ data }) => [
      upsert(workerBalances, { ...snake(data, 'workerId'), balance_cents: '0', approved_count: 0 }),
    ],
    'firsthand.EarningCredited.v1': ({ data }) => [
      upsert(earnings, { ...snake(data), created_at: data.occurredAt }),
      patch(workerBalances, snake(data, 'workerId'), snake(data, 'balanceCents', 'approvedCount')),
    ],
    'firsthand.EarningsPaid.v1': ({ data }) => [
      patch(workerBalances, snake(data, 'workerId'), snake(data, 'balanceCents')),
    ],
  },
})

export const findWorkerBalance = preparedOne((db, workerId: string) =>
  db.selectFrom('firsthand_worker_balances').selectAll().where('worker_id', '=', workerId),
)

/** A worker's, newest first. */
export const listEarnings = (
  db: ReadModels,
  workerId: string,
  page: Page<'created_at' | 'submission_id'>,
): Promise<EarningRow[]> =>
  newestFirst(
    firsthandTables(db).selectFrom('firsthand_earnings').selectAll().where('worker_id', '=', workerId),
    ['created_at', 'submission_id'],
    page,
  ).execute()

/** All workers with their balances, oldest first, at most `limit`. */
export const listWorkers = (db: ReadModels, limit: number) =>
  firsthandTables(db)
    .selectFrom('firsthand_workers as worker')
    .innerJoin('firsthand_worker_balances as balance', 'balance.worker_id', 'worker.worker_id')
    .selectAll('worker')
    .select(['balance.balance_cents', 'balance.approved_count'])
    .orderBy('worker.created_at')
    .orderBy('worker.worker_id')
    .limit(limit)
    .execute()
