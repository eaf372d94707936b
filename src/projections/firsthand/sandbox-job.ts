/** Jobs of the test world that sandbox workers work on. */
import { type SqlBool, sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import { firsthandTables } from './tables.ts'

/** Jobs of the test world that still need files, the oldest first; not those that are to stall. */
export const findSandboxJobs = (db: ReadModels, limit: number): Promise<{ job_id: string }[]> =>
  firsthandTables(db)
    .selectFrom('firsthand_jobs')
    .select('job_id')
    // Written out, so that the partial index is found.
    .where(sql<SqlBool>`environment = 'test' AND status IN ('open', 'in_progress')`)
    .where(sql<SqlBool>`metadata ->> 'fh_sandbox' IS DISTINCT FROM 'stall'`)
    .orderBy('created_at')
    .orderBy('job_id')
    .limit(limit)
    .execute()
