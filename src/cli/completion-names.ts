/** Names that arguments and options may have, as the running instance knows them: for completion, which must be quick. */
import { sql } from 'kysely'
import { backingUrls, configuration } from './connection.ts'
import { CliError } from './terminal.ts'

/** By the name of the argument or the option. */
const questions: Readonly<Record<string, () => ReturnType<typeof sql<{ name: string }>>>> = {
  operator: () => sql<{ name: string }>`SELECT slug AS name FROM noctant_operators ORDER BY slug LIMIT ${NAMES_MAX}`,
  names: () => sql<{ name: string }>`SELECT name FROM opslog_projections ORDER BY name LIMIT ${NAMES_MAX}`,
  template: () =>
    sql<{ name: string }>`SELECT DISTINCT key AS name FROM noctant_templates ORDER BY key LIMIT ${NAMES_MAX}`,
  account: () => sql<{ name: string }>`SELECT account_id::text AS name FROM noctant_accounts LIMIT ${NAMES_MAX}`,
}
const alike: Readonly<Record<string, string>> = { 'slug|id': 'operator', name: 'names', projection: 'names' }

const NAMES_MAX = 200
const CONNECT_MAX_MS = 500

/** None where nothing is known of such names, or where no instance runs. */
export async function namesFor(argument: string): Promise<string[]> {
  const question = questions[alike[argument] ?? argument]
  if (!question) return []
  const urls = urlsOrNone()
  if (!urls) return []
  const { createDatabase } = await import('../postgres/database.ts')
  const db = createDatabase({
    url: urls.databaseUrl,
    applicationName: 'opslog completion',
    connectTimeoutMs: CONNECT_MAX_MS,
  })
  try {
    return (await question().execute(db)).rows.map(({ name }) => name)
  } finally {
    await db.destroy()
  }
}

function urlsOrNone() {
  try {
    return backingUrls(configuration())
  } catch (error) {
    if (error instanceof CliError) return undefined
    throw error
  }
}
