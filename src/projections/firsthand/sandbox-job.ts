/** Jobs of the test world that sandbox workers work on. */
import { type SqlBool, sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import { firsthandTables } from './tables.ts'

/**
 * Jobs of the test world that still need files; not those that are to stall. The oldest of each organization come first, then
 * the second ones, so that an organization with many jobs hides no other’s.
 */
export const findSandboxJobs = (
  db: ReadModels,
  limit: number,
): Promise<{ job_id: string; organization_id: string }[]> =>
  firsthandTables(db)
    .with('ranked', (open) =>
      open
        .selectFrom('firsthand_jobs')
        .select(['job_id', 'organization_id', 'created_at'])
        .select(({ fn }) =>
          fn
            .agg<string>('row_number')
            .over((over) => over.partitionBy('organization_id').orderBy('created_at').orderBy('job_id'))
            .as('rank'),
        )
        // Written out, so that the partial index is found.
        .where(sql<SqlBool>`environment = 'test' AND status IN ('open', 'in_progress')`)
        .where(sql<SqlBool>`metadata ->> 'fh_sandbox' IS DISTINCT FROM 'stall'`),
    )
    .selectFrom('ranked')
    .select(['job_id', 'organization_id'])
    .orderBy('rank')
    .orderBy('created_at')
    .orderBy('job_id')
    .limit(limit)
    .execute()
