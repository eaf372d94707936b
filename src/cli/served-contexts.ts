/** Which contexts an installation serves: those whose read models its database has. */
import { sql } from 'kysely'
import { loadContextClis } from '../contexts.ts'
import type { ReadModels } from '../postgres/database.ts'
import type { ContextCli } from './context-cli.ts'

/** What those contexts show on the command line. */
export async function servedClis(db: ReadModels): Promise<ContextCli[]> {
  const { rows } = await sql<{ context: string }>`SELECT DISTINCT split_part(name, '.', 1) AS context
    FROM opslog_projections`.execute(db)
  const served = new Set(rows.map(({ context }) => context))
  return (await loadContextClis()).filter(({ name }) => served.has(name)).map(({ cli }) => cli)
}
