/**
 * Records what an instance of an earlier release leaves behind, for test/system/earlier-release.test.ts:
 *
 *   git worktree add ../earlier a67c4f8 && (cd ../earlier && npm ci)
 *   node scripts/record-instance.ts ../earlier test/recorded/2026-11-a67c4f8.tar.gz
 *   node scripts/record-instance.ts ../earlier test/recorded/2026-11-a67c4f8-stopped.tar.gz --stop
 *
 * It starts that checkout on a data directory of its own, has its demonstrations write a day and a payout, asks for some
 * answers, and kills it with SIGKILL; with `--stop` it ends it by SIGTERM instead, as an operator does. The archive holds
 * the data directory as it was found then, its database as SQL (a tenth of a cluster's size), and the answers.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { Client } from 'pg'
import { startPostgres } from '../src/embedded/postgres.ts'

const run = promisify(execFile)
const READY_MAX_MS = 60_000
const POLL_MS = 100
/** Answers that stay as they are: the day's positions are closed, and its accounts are at rest. */
const QUESTIONS = ['/v1/me', '/v1/accounts', '/v1/products']
const questionsAbout = (account: string, user: string) => [
  ...['summary', 'trades', 'orders'].map(
    (what) => `/v1/accounts/by-external-id/${what}?external_account_id=${account}`,
  ),
  ...['', '/payouts', '/payout-statements'].map((what) => `/v1/users/${user}${what}`),
]

const { values: options, positionals } = parseArgs({
  options: { stop: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const [checkout, archive] = positionals.map((path) => resolve(path))
if (!checkout || !archive) {
  process.stderr.write('Usage: node scripts/record-instance.ts <checkout> <archive.tar.gz> [--stop]\n')
  process.exit(2)
}

const work = mkdtempSync(join(tmpdir(), 'opslog-record-'))
const dataDir = join(work, 'data')
const environment = { ...process.env, DATA_DIR: dataDir, PORT: '0', NATS_SERVER: 'off', LOG_LEVEL: 'warn' }
const inCheckout = { cwd: checkout, env: environment }
const cli = (...args: string[]) => run(process.execPath, ['src/cli/opslog.ts', ...args], inCheckout)

interface Found {
  pid: number
  api: { url: string }
}

/** Resolves when the instance says that it is ready. */
async function ready(): Promise<Found> {
  const deadline = performance.now() + READY_MAX_MS
  for (;;) {
    try {
      const found: Found = JSON.parse(readFileSync(join(dataDir, 'services.json'), 'utf8'))
      if ((await fetch(`${found.api.url}/readyz`)).ok) return found
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    await delay(POLL_MS)
  }
}

async function answersOf(url: string): Promise<Record<string, unknown>> {
  const { api_key: key } = JSON.parse(readFileSync(join(dataDir, 'sandbox-operator.json'), 'utf8'))
  const ask = async (path: string) => {
    const response = await fetch(`${url}/noctant${path}`, { headers: { authorization: `Bearer ${key}` } })
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`)
    return response.json()
  }
  const { accounts } = (await ask('/v1/accounts')) as { accounts: Record<string, string>[] }
  const about = accounts.flatMap(({ external_account_id: account = '', global_user_id: user = '' }) =>
    questionsAbout(encodeURIComponent(account), user),
  )
  const answers: Record<string, unknown> = {}
  for (const path of new Set([...QUESTIONS, ...about])) answers[path] = await ask(path)
  return answers
}

/** Tables, rows and indexes of every schema but Postgres's own, in an order in which they can be made. */
async function sqlOf(client: Client): Promise<string> {
  const { rows: schemas } = await client.query(`SELECT nspname AS name FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY 1`)
  const { rows: tables } = await client.query(`SELECT c.oid, c.oid::regclass::text AS short, reloptions,
      format('%I.%I', nspname, relname) AS name, relpersistence = 'u' AS unlogged
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY name`)
  const made = schemas.map(({ name }) => `CREATE SCHEMA IF NOT EXISTS ${name};`)
  for (const table of tables) made.push(...(await tableSql(client, table)))
  return `${made.join('\n')}\n`
}

interface Table {
  oid: number
  name: string
  unlogged: boolean
  reloptions: string[] | null
}

async function tableSql(client: Client, { oid, name, unlogged, reloptions }: Table): Promise<string[]> {
  const { rows: columns } = await client.query(
    `SELECT quote_ident(attname) AS name, format_type(atttypid, atttypmod) AS type, attnotnull, attgenerated,
      pg_get_expr(adbin, adrelid) AS expression, CASE WHEN collname <> 'default' THEN quote_ident(collname) END AS collation
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      LEFT JOIN pg_collation co ON co.oid = attcollation
    WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [oid],
  )
  const { rows: constraints } = await client.query(
    `SELECT quote_ident(conname) AS name, pg_get_constraintdef(oid) AS text FROM pg_constraint
    WHERE conrelid = $1 AND contype <> 'n' ORDER BY contype DESC, conname`,
    [oid],
  )
  const { rows: indexes } = await client.query(
    `SELECT pg_get_indexdef(indexrelid) AS text FROM pg_index
    WHERE indrelid = $1 AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1`,
    [oid],
  )
  const { rows } = await client.query(`SELECT coalesce(json_agg(t)::text, '[]') AS json FROM ${name} AS t`)
  const defined = columns.map((column) => {
    const kept = column.attgenerated === 'v' ? 'VIRTUAL' : 'STORED'
    const default_ = column.attgenerated
      ? ` GENERATED ALWAYS AS (${column.expression}) ${kept}`
      : column.expression && ` DEFAULT ${column.expression}`
    const collation = column.collation ? ` COLLATE ${column.collation}` : ''
    return `${column.name} ${column.type}${collation}${default_ ?? ''}${column.attnotnull ? ' NOT NULL' : ''}`
  })
  const held = constraints.map((each) => `CONSTRAINT ${each.name} ${each.text}`)
  const stored = columns.filter(({ attgenerated }) => attgenerated === '').map((column) => column.name)
  const values = client.escapeLiteral(rows[0].json)
  return [
    `CREATE ${unlogged ? 'UNLOGGED ' : ''}TABLE ${name} (${[...defined, ...held].join(', ')})` +
      `${reloptions ? ` WITH (${reloptions.join(', ')})` : ''};`,
    `INSERT INTO ${name} (${stored}) SELECT ${stored} FROM json_populate_recordset(NULL::${name}, ${values});`,
    ...indexes.map(({ text }) => `${text};`),
  ]
}

const instance = spawn(process.execPath, ['src/main.ts'], { ...inCheckout, stdio: 'inherit' })
const ended = new Promise<number | null>((end) => instance.on('exit', end))
try {
  const { pid, api } = await ready()
  await cli('demo')
  await cli('demo', 'payout')
  const answers = await answersOf(api.url)
  process.kill(pid, options.stop ? 'SIGTERM' : 'SIGKILL')
  const code = await ended
  if (options.stop && code !== 0) throw new Error(`it was stopped, and ended with ${code}`)
  const postgres = await startPostgres({ directory: join(dataDir, 'postgres') })
  const client = new Client({ connectionString: postgres.url })
  await client.connect()
  writeFileSync(join(work, 'database.sql'), await sqlOf(client))
  writeFileSync(join(work, 'answers.json'), `${JSON.stringify(answers, null, 2)}\n`)
  await client.end()
  await postgres.stop()
  for (const name of ['postgres', 'services.json', 'opslog.log'])
    rmSync(join(dataDir, name), { recursive: true, force: true })
  await run('tar', ['-czf', archive, '-C', work, 'data', 'database.sql', 'answers.json'])
} finally {
  instance.kill('SIGKILL')
  rmSync(work, { recursive: true, force: true })
}
