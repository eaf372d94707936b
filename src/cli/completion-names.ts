/** Names that arguments and options may have, as the running instance knows them: for completion, which must be quick. */
import { sql } from 'kysely'
import { backingUrls, configuration } from './connection.ts'
import { servedClis } from './served-contexts.ts'
import { CliError } from './terminal.ts'

const PROJECTIONS = 'SELECT name FROM opslog_projections ORDER BY name'
/** The kernel's own, by the name of the argument or the option. */
const own: Readonly<Record<string, string>> = { names: PROJECTIONS, name: PROJECTIONS, projection: PROJECTIONS }

const NAMES_MAX = 200
const CONNECT_MAX_MS = 500

/** None where nothing is known of such names, or where no instance runs. */
export async function namesFor(argument: string): Promise<string[]> {
  const urls = urlsOrNone()
  if (!urls) return []
  const { createDatabase } = await import('../postgres/database.ts')
  const db = createDatabase({
    url: urls.databaseUrl,
    applicationName: 'opslog completion',
    connectTimeoutMs: CONNECT_MAX_MS,
  })
  try {
    const ask = async (question: string) =>
      (await sql<{ name: string }>`${sql.raw(question)} LIMIT ${sql.lit(NAMES_MAX)}`.execute(db)).rows
    const declared = [own, ...(await servedClis(db)).map(({ names = {} }) => names)]
    const questions = declared.flatMap((names) => names[argument] ?? [])
    return (await Promise.all(questions.map(ask))).flat().map(({ name }) => name)
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
