/** Circuits of provider keys that calls failed with; a key without a row has never had an open one. */
import type { CircuitEvent } from '../../events/rungate/circuit.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { integer, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf } from '../projection.ts'
import { rungateTables } from './tables.ts'

export const circuits = defineTable({
  name: 'rungate_circuits',
  key: ['key_id'],
  columns: {
    key_id: uuid,
    account_id: uuid,
    provider: text,
    state: text.of<'closed' | 'open' | 'half_open'>(),
    failure_count: integer.orNull,
    /** How long it stays open, in milliseconds. */
    wait_ms: integer.orNull,
    last_failure_at: time.orNull,
    last_success_at: time.orNull,
    opened_at: time.orNull,
    recovery_at: time.orNull,
    changed_at: time,
  },
  indexes: ['(account_id)'],
  createsOnPatch: true,
})
export type CircuitRow = RowOf<typeof circuits>

const of = ({ keyId, accountId, provider, occurredAt }: CircuitEvent['data']) => ({
  key: { key_id: keyId },
  facts: { account_id: accountId, provider, changed_at: occurredAt },
})

export const circuitProjection = defineProjection<CircuitEvent>({
  name: 'rungate.circuit',
  version: 1,
  onPoison: 'park',
  tables: [circuits],
  handlers: {
    'rungate.CircuitOpened.v1': ({ data }) => {
      const { key, facts } = of(data)
      const { occurredAt: at, failures: failure_count, waitMs: wait_ms } = data
      const recovery_at = new Date(Date.parse(at) + wait_ms).toISOString()
      const times = { last_failure_at: at, opened_at: at, recovery_at }
      return [patch(circuits, key, { ...facts, ...times, state: 'open', failure_count, wait_ms })]
    },
    'rungate.CircuitProbed.v1': ({ data }) => {
      const { key, facts } = of(data)
      return [patch(circuits, key, { ...facts, state: 'half_open' })]
    },
    'rungate.CircuitClosed.v1': ({ data }) => {
      const { key, facts } = of(data)
      const times = { last_success_at: data.occurredAt, opened_at: null, recovery_at: null }
      return [patch(circuits, key, { ...facts, ...times, state: 'closed', failure_count: 0, wait_ms: null })]
    },
  },
})

export interface KeyHealth {
  provider_key_id: string
  provider: string
  state: CircuitRow['state']
  failure_count: number
  last_failure_at: string | null
  last_success_at: string | null
  opened_at: string | null
  recovery_at: string | null
}

/** Of every key of the account that is not deleted, the newest first, at most `limit`; and how many there are. */
export async function keyHealthOf(
  db: ReadModels,
  accountId: string,
  limit = 1_000,
): Promise<{ rows: KeyHealth[]; total: number }> {
  const found = await rungateTables(db)
    .selectFrom('rungate_provider_keys as keys')
    .leftJoin('rungate_circuits as circuits', 'circuits.key_id', 'keys.key_id')
    .select((of) => [
      ...(['keys.key_id as provider_key_id', 'keys.provider', 'circuits.state', 'circuits.failure_count'] as const),
      ...(['circuits.last_failure_at', 'circuits.last_success_at', 'circuits.opened_at'] as const),
      'circuits.recovery_at',
      of.fn.countAll<string>().over().as('total'),
    ])
    .where('keys.account_id', '=', accountId)
    .where('keys.status', '!=', 'deleted')
    .orderBy('keys.created_at', 'desc')
    .orderBy('keys.key_id', 'desc')
    .limit(limit)
    .execute()
  const rows = found.map(({ total: _, state, failure_count, ...row }) => ({
    ...row,
    state: state ?? 'closed',
    failure_count: failure_count ?? 0,
  }))
  return { rows, total: Number(found[0]?.total ?? 0) }
}

/** Every circuit that is not closed, of all accounts. */
export const openCircuits = (db: ReadModels): Promise<CircuitRow[]> =>
  rungateTables(db).selectFrom('rungate_circuits').selectAll().where('state', '!=', 'closed').execute()
