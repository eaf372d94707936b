/** Which jobs of the test world sandbox workers take up next. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findSandboxJobs } from '../../../src/projections/firsthand/sandbox-job.ts'
import { firsthandTables } from '../../../src/projections/firsthand/tables.ts'
import { timeAt } from '../../support/examples.ts'
import { type Prepared, prepared } from '../support.ts'

let database: Prepared
beforeAll(async () => {
  database = await prepared()
})
afterAll(() => database.drop())

async function add(name: string, organization: string, second: number, own: object = {}): Promise<void> {
  const row = {
    ...{ job_id: name, organization_id: organization, environment: 'test', type: 'feedback', description: 'Doors' },
    ...{ files_needed: 4, files_approved: 0, open_seats: 0, accepted_formats: ['image/png'], status: 'open' },
    ...{ price_per_file_cents: '1', platform_fee_pct: '0', total_cost_cents: '4', worker_payout_per_file_cents: '1' },
    ...{ metadata: '{}', created_at: timeAt(second), completed_at: null, cancelled_at: null, ...own },
  }
  await firsthandTables(database.db)
    .insertInto('firsthand_jobs')
    .values(row as never)
    .execute()
}

it('each organization’s oldest come first, so that one with many jobs hides no other’s', async () => {
  for (const n of [1, 2, 3]) await add(`large ${n}`, 'busy', n)
  await add('small', 'other', 9)
  await add('stalled', 'other', 4, { metadata: '{"fh_sandbox": "stall"}' })
  await add('paid', 'other', 5, { environment: 'live' })
  await add('done', 'other', 6, { status: 'completed' })
  const found = async (limit: number) => (await findSandboxJobs(database.db, limit)).map(({ job_id }) => job_id)
  expect(await found(10)).toStrictEqual(['large 1', 'small', 'large 2', 'large 3'])
  expect(await found(2)).toStrictEqual(['large 1', 'small'])
})
