/**
 * What an instance of an earlier release left behind, when it was killed with -9 and when it was stopped, is taken over by
 * today's: its log is adopted, its one checkpoint becomes one for each context, and its answers are those of before.
 * scripts/record-instance.ts tells how the recordings are made; they are added to and never changed.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createEventStore } from '../../src/events/store.ts'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'
import { runCli } from '../support/cli.ts'
import { registry } from '../support/contexts.ts'
import { memoryKeys } from '../support/person-keys.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { createDatabase, type TestDatabase, temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

const recordings = join(root, 'test/recorded')
const archives = readdirSync(recordings).filter((name) => name.endsWith('.tar.gz'))

/** A start that adopts a log and makes read models anew, beside other tests. */
const START_MAX_MS = 120_000

/** Members that say something else since then (CHANGELOG.md), once their read model is made anew. */
const CHANGED = ['program_type']

it('there are recordings of a killed instance and of a stopped one', () => {
  expect(archives.map((name) => name.includes('-stopped')).sort()).toStrictEqual([false, true])
})

describe.each(archives)('the instance recorded in %s', (archive) => {
  const directory = temporaryDirectory()
  const dataDir = join(directory.path, 'data')
  const read = (name: string) => readFileSync(join(directory.path, name), 'utf8')
  let database: TestDatabase
  let client: Client
  let url: string
  /** Where its one checkpoint for all read models stood. */
  let before: string
  /** The contexts that it had read models of. */
  let known: string[]
  const stops: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    execFileSync('tar', ['-xzf', join(recordings, archive), '-C', directory.path])
    database = await createDatabase()
    client = new Client({ connectionString: database.url })
    await client.connect()
    await client.query(read('database.sql'))
    const { rows: checkpoints } = await client.query(
      `SELECT position FROM opslog_checkpoints WHERE name = 'projections'`,
    )
    before = checkpoints[0].position
    const { rows: contexts } = await client.query(
      `SELECT DISTINCT split_part(name, '.', 1) AS name FROM opslog_projections`,
    )
    known = contexts.map(({ name }) => name)
    url = await start()
  }, START_MAX_MS + 30_000)
  afterAll(async () => {
    for (const stop of stops) await stop()
    await client.end()
    await database.drop()
    directory.remove()
  })

  /** Starts today's instance on it, and resolves with its address when it is ready. */
  async function start(): Promise<string> {
    const own = { DATA_DIR: dataDir, DATABASE_URL: database.url, PORT: '0', NATS_SERVER: 'off' }
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
      cwd: root,
      env: { ...programEnvironment(), ...own },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    stops.push(async () => {
      child.kill('SIGTERM')
      expect((await exited)[0]).toBe(0)
    })
    return vi.waitFor(
      async () => {
        expect(child.exitCode).toBeNull()
        const { api } = JSON.parse(read('data/services.json'))
        expect(await (await fetch(`${api.url}/readyz`)).json()).toMatchObject({ status: 'ready' })
        return api.url as string
      },
      { timeout: START_MAX_MS, interval: 100 },
    )
  }

  it('answers as it did before', async () => {
    const { api_key: key } = JSON.parse(read('data/sandbox-operator.json'))
    const answers = Object.entries<object>(
      JSON.parse(read('answers.json'), (name, value) => (CHANGED.includes(name) ? undefined : value)),
    )
    expect(answers.length).toBeGreaterThan(5)
    for (const [path, answer] of answers) {
      const response = await fetch(`${url}/noctant${path}`, { headers: { authorization: `Bearer ${key}` } })
      expect([path, await response.json()]).toMatchObject([path, answer])
    }
  })

  it('has a checkpoint for each context that it had, not behind the one for all of them', async () => {
    const { rows } = await client.query('SELECT name, position FROM opslog_checkpoints')
    const positions = new Map(rows.map(({ name, position }) => [name, BigInt(position)]))
    expect(positions.has('projections')).toBe(false)
    expect(known.length).toBeGreaterThan(0)
    for (const name of known) {
      expect(positions.get(projectionsCheckpoint(name)), name).toBeGreaterThanOrEqual(BigInt(before))
    }
  })

  it('has given its log an identity, which the database has written down', async () => {
    const { rows } = await client.query('SELECT log_id FROM opslog_log')
    expect(rows).toHaveLength(1)
    const { eventStore } = JSON.parse(read('data/services.json'))
    const limits = { deadlineMs: 5_000, appendAttemptsMax: 1 }
    const store = createEventStore({ registry, url: eventStore.url, ...limits, personKeys: memoryKeys() })
    expect(await store.logId()).toBe(rows[0].log_id)
    await store.close()
  })

  it('has a log that verifies clean, and read models as they would be made anew', { timeout: 60_000 }, async () => {
    const ask = (...args: string[]) => runCli([...args, '--all', '--json'], { DATA_DIR: dataDir })
    const [verified, compared] = await Promise.all([ask('audit', 'verify'), ask('projections', 'verify')])
    expect(verified).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, findings: [] })
    expect(compared).toMatchObject({ exitCode: 0 })
  })
})
