/**
 * Checks Postgres before anything is built on it. Does the address lead to one? Does it take the user, may that user make
 * tables, and does a session keep its connection? The read models rest on named statements, LISTEN and session locks.
 * A pooler that gives each transaction another connection loses them.
 */
import { Client } from 'pg'
import { absent, type Finding, innermostMessage, serves, unusable } from '../runtime/finding.ts'

/** What stands at the address. Each step takes `timeoutMs` at most. Never rejects. */
export async function checkPostgres(url: string, timeoutMs: number): Promise<Finding> {
  if (!/^postgres(ql)?:\/\//i.test(url)) {
    const scheme = /^([^:]*):/.exec(url)?.[1]
    return unusable(`It ${scheme ? `begins with ${scheme}:` : 'has no scheme'}; opslog needs postgres://.`)
  }
  const opened: Client[] = []
  const open = async () => {
    const client = new Client({
      connectionString: url,
      application_name: 'opslog start',
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
    })
    opened.push(client)
    // The next query shows that an idle connection has ended.
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  try {
    return await checkConnections(open)
  } catch (error) {
    return findingOf(error)
  } finally {
    await Promise.all(opened.map((client) => endQuietly(client, timeoutMs)))
  }
}

const QUESTION = `SELECT pg_is_in_recovery() AS standby, current_database() AS database, current_user AS name,
  has_database_privilege(current_database(), 'CREATE') AS "mayCreateSchemas",
  coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS "mayCreateTables"`

async function checkConnections(open: () => Promise<Client>): Promise<Finding> {
  const [first, second] = [await open(), await open()]
  if (!(await keepsSessions(first, second))) return unusable(POOLED)
  const { rows } = await first.query(QUESTION)
  const { standby, database, name, mayCreateSchemas, mayCreateTables } = rows[0]
  if (standby) return absent('the server is a standby, which takes no writes')
  const lacks = [...(mayCreateSchemas ? [] : ['schemas']), ...(mayCreateTables ? [] : ['tables'])]
  if (lacks.length === 0) return serves
  return unusable(
    `The user ${name} may not create ${lacks.join(' and ')} in the database ${database}. Make it the database's owner.`,
  )
}

const POOLED =
  'A pooler stands in front of Postgres that gives each transaction another connection. ' +
  'Switch it to session mode (PgBouncer: pool_mode = session), or name Postgres itself.'

/**
 * Whether two connections of ours are two of Postgres's. While the second has a transaction open, a sharing pooler has
 * given it the first one's, or has to give the first another one.
 */
async function keepsSessions(first: Client, second: Client): Promise<boolean> {
  const processOf = async (client: Client) =>
    (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number
  const before = await processOf(first)
  await second.query('BEGIN')
  try {
    if ((await processOf(second)) === before) return false
    return (await processOf(first)) === before
  } finally {
    await second.query('ROLLBACK')
  }
}

/** The other side may never confirm the end of a connection, or never have taken it. */
async function endQuietly(client: Client, timeoutMs: number): Promise<void> {
  const expired = new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref())
  await Promise.race([client.end().catch(() => undefined), expired])
}

/** SQLSTATE codes (PostgreSQL manual, appendix A) that waiting does not change, and what to do about each. */
const REMEDIES: readonly [RegExp, string][] = [
  [/^28/, 'Correct the user or the password in it, or let the user in (pg_hba.conf).'],
  [/^3D000$/, 'Create the database, or name another one.'],
  [/^42501$/, 'Give the user the right to connect and to create tables.'],
]

function findingOf(error: unknown): Finding {
  const { code = '' } = error as { code?: string }
  const message = innermostMessage(error)
  const remedy = REMEDIES.find(([pattern]) => pattern.test(code))?.[1]
  if (remedy) return unusable(`Postgres answers: ${message}. ${remedy}`)
  if (/statement pooling|transaction blocks not allowed/.test(message)) return unusable(POOLED)
  if (code === '08P01') return unusable(`What answers there refuses the connection: ${message}. ${POOLED}`)
  if (/client password must be a string/.test(message)) {
    return unusable(
      'Postgres asks for a password, and the address has none. Put it in: postgres://user:password@host/database.',
    )
  }
  if (/does not support SSL/.test(message)) {
    return unusable('The server does not speak TLS, and the address asks for it. Take sslmode out of it.')
  }
  if (/SELF_SIGNED|UNABLE_TO_|CERT_|ALTNAME/.test(code)) {
    return unusable(`The server's certificate is not accepted: ${message}. Name its authority with sslrootcert=<file>.`)
  }
  if (code === 'ENOENT') return unusable(`A file that the address names cannot be read: ${message}.`)
  if (code === 'ERR_INVALID_URL' || error instanceof URIError)
    return unusable('It is no address: a part of it is malformed.')
  return absent(`Postgres cannot be reached (${message})`)
}
