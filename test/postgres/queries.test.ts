/** Queries that are compiled once: each call's values land where the builder's arguments stood. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { queriesOver } from '../../src/postgres/queries.ts'
import { type KernelTables, kernelTables } from '../../src/projections/kernel-tables.ts'
import { type Prepared, prepared } from '../projections/support.ts'

const first = {
  position: '7',
  event_id: '5f1c7c52-5f5e-5d0e-9a4b-0a3f0d7c9b11',
  updated_at: '2026-01-01T00:00:00.000Z',
}
const second = {
  position: '9',
  event_id: '6f1c7c52-5f5e-5d0e-9a4b-0a3f0d7c9b11',
  updated_at: '2026-01-02T00:00:00.000Z',
}

const { preparedOne } = queriesOver<KernelTables>()

describe('a query that is compiled once', () => {
  let database: Prepared
  beforeAll(async () => {
    database = await prepared([])
    const rows = [
      { name: 'first', ...first },
      { name: 'second', ...second },
    ]
    await kernelTables(database.db)
      .insertInto('opslog_checkpoints')
      .values(rows.map((row) => ({ ...row, generation: '0', paused_at: null, events: '0' })))
      .execute()
  })
  afterAll(() => database.drop())

  const byNameAndPosition = preparedOne((db, name: string, position: string) =>
    db
      .selectFrom('opslog_checkpoints')
      .select('event_id')
      .where('generation', '=', '0')
      .where('position', '=', position)
      .where('name', '=', name),
  )

  it('gives each argument its own place, in whatever order the query takes them', async () => {
    expect(await byNameAndPosition(database.db, 'first', '7')).toEqual({ event_id: first.event_id })
    expect(await byNameAndPosition(database.db, 'second', '9')).toEqual({ event_id: second.event_id })
  })

  it('answers undefined where there is no row', async () => {
    expect(await byNameAndPosition(database.db, 'first', '9')).toBeUndefined()
  })

  it('refuses a builder that decides by an argument instead of passing it on', async () => {
    const deciding = preparedOne((db, newest: boolean) =>
      db
        .selectFrom('opslog_checkpoints')
        .selectAll()
        .orderBy('position', newest ? 'desc' : 'asc'),
    )
    await expect(deciding(database.db, true)).rejects.toThrow('no place for argument 0')
  })
})
