/** Things are found by their ids, and by beginnings of them, through an index, in every table that the console and commands look into. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identified as firsthand } from '../../src/cli/firsthand/identified.ts'
import { identified as killatamata } from '../../src/cli/killatamata/identified.ts'
import { identified as noctant } from '../../src/cli/noctant/identified.ts'
import { identified as rungate } from '../../src/cli/rungate/identified.ts'
import { type Identified, idsBeginning } from '../../src/cli/whole-id.ts'
import { hasBeginnings, type ThingsOf, typeOf } from '../../src/http/pages/things.ts'
import type { ReadModels } from '../../src/postgres/database.ts'
import { type Filter, whereOf } from '../../src/projections/listing.ts'
import type { Table } from '../../src/projections/projection.ts'
import { type Prepared, prepared } from '../projections/support.ts'
import { apis } from '../support/contexts.ts'

const searched = apis.flatMap(({ console }) =>
  (console?.finders ?? []).flatMap((finder) => ('things' in finder ? [finder.things as ThingsOf<Table>] : [])),
)
const byConsole = searched.flatMap((things) =>
  [things.id, ...(things.aliases ?? [])].map((column) => ({ table: things.table, column, isId: column === things.id })),
)
const commands: readonly Identified[] = [firsthand, killatamata, noctant, rungate].flatMap((of) => Object.values(of))
const places = (await Promise.all(commands.map((each) => each.places()))).flat()
const byCommands = places.map(([table, column]) => ({ table, column, isId: true }))
/** Ids that lists show whole. */
const SHOWN_WHOLE = ['noctant_api_keys.key_id']

let database: Prepared
beforeAll(async () => {
  database = await prepared()
})
afterAll(() => database.drop())

const SAMPLES: Readonly<Record<string, string>> = { uuid: '01020304-0506-4708-890a-0b0c0d0e0f10', text: 'job_01KJPV4G' }

/** How it would be found where reading the whole table cost too much. */
async function planOf(db: ReadModels, table: Table, filter: Filter): Promise<string> {
  return db.transaction().execute(async (trx) => {
    await sql`SET LOCAL enable_seqscan = off`.execute(trx)
    const explained = sql<
      Record<string, string>
    >`EXPLAIN SELECT 1 FROM ${sql.table(table.name)} ${whereOf(table, [filter])}`
    return (await explained.execute(trx)).rows.flatMap((row) => Object.values(row)).join('\n')
  })
}

/** The first column of the index that the plan goes by; undefined: it goes by none. */
async function leadingColumn(db: ReadModels, plan: string): Promise<string | undefined> {
  const [, name] = /(?:using|Bitmap Index Scan on) (\w+)/.exec(plan) ?? []
  if (name === undefined || !plan.includes('Index Cond')) return undefined
  const { rows } = await sql<{ column: string }>`SELECT pg_get_indexdef(${name}::regclass, 1, true) AS column`.execute(
    db,
  )
  return rows[0]?.column.replace(/ COLLATE.*/, '')
}

describe('in an empty database', () => {
  it.each([...byConsole, ...byCommands].map((each) => ({ ...each, name: `${each.table.name}.${each.column}` })))(
    '$name leads to an index',
    async ({ table, column, isId, name }) => {
      const type = typeOf(table, column)
      const value = SAMPLES[type] ?? '1'
      const ways: Filter['is'][] = ['equal', ...(hasBeginnings(table, column) ? ['begins' as const] : [])]
      for (const is of ways) {
        const of: Filter = { column, is, value: is === 'begins' ? value.slice(0, 12) : value }
        expect([is, await leadingColumn(database.db, await planOf(database.db, table, of))]).toEqual([is, column])
      }
      if (isId && !SHOWN_WHOLE.includes(name)) expect(hasBeginnings(table, column)).toBe(true)
    },
  )

  it('there are such tables', () => expect(searched.length).toBeGreaterThan(25))
})

describe('among many rows', () => {
  const ROWS = 20_000
  const jobs = searched.find(({ table }) => table.name === 'firsthand_jobs')!
  const idOf = (count: number) => `job_${String(count).padStart(26, '0')}`

  it('an id’s beginning finds those that begin so, bounded, without a look at each row', async () => {
    const { name, columns } = jobs.table
    const values = Object.entries(columns).map(([column, { type, isNullable }]) => {
      if (column === 'job_id') return sql`'job_' || lpad(n::text, 26, '0')`
      if (isNullable) return sql`NULL`
      if (type.startsWith('timestamptz')) return sql`now() - n * interval '1 second'`
      if (type === 'text') return sql`'x'`
      if (type === 'jsonb') return sql`'{}'::jsonb`
      if (type === 'boolean') return sql`false`
      return sql.raw(type.endsWith('[]') ? `'{}'::${type}` : `0::${type}`)
    })
    const into = sql.join(Object.keys(columns).map((column) => sql.ref(column)))
    await sql`INSERT INTO ${sql.table(name)} (${into}) SELECT ${sql.join(values)} FROM generate_series(1, ${ROWS}::int) n`.execute(
      database.db,
    )
    await sql`ANALYZE ${sql.table(name)}`.execute(database.db)
    const beginning = idOf(12_340).slice(0, -1)
    const found = await idsBeginning(database.db, [jobs.table, 'job_id'], beginning, 3)
    expect(found).toEqual([idOf(12_340), idOf(12_341), idOf(12_342)])
    const where = whereOf(jobs.table, [{ column: 'job_id', is: 'begins', value: beginning }])
    const explained = sql<Record<string, string>>`EXPLAIN SELECT * FROM ${sql.table(name)} ${where}
      ORDER BY created_at DESC, job_id DESC LIMIT 11`
    const plan = JSON.stringify((await explained.execute(database.db)).rows)
    expect(plan).toContain('Index Cond')
    expect(plan).not.toContain('Seq Scan')
  })
})
