/**
 * `opslog projections` beside an instance that goes on writing and reading, as a program of its own where they run at the
 * same time: what it prints, how it ends, and that nobody who reads meanwhile sees a wrong or a missing row.
 */
import { spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createDatabase, type ReadModels } from '../../src/postgres/database.ts'
import { runCli, spawnCli } from '../support/cli.ts'
import { type ExampleEvent, example, uuidOf } from '../support/examples.ts'
import { temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
let db: ReadModels
let environment: Record<string, string>
/** Opens what is personal in the log, such as the names of the sandbox's workers. */
const SECRETS_KEY = Buffer.alloc(32, 6).toString('base64')
const empty = temporaryDirectory()

beforeAll(async () => {
  stack = await startStack({ stream: 'in-process', environment: { SECRETS_KEY } })
  db = createDatabase({ url: stack.databaseUrl, poolMax: 3 })
  environment = {
    EVENTSTORE_URL: stack.eventStoreUrl,
    DATABASE_URL: stack.databaseUrl,
    DATA_DIR: empty.path,
    SECRETS_KEY,
  }
  await writeOrders(5_000, 1_000)
  await arrived()
}, 120_000)
afterAll(async () => {
  await db.destroy()
  await stack.close()
  empty.remove()
})

const opslog = (...args: string[]) => runCli(['projections', ...args], environment)
const program = (...args: string[]) => spawnCli(['projections', ...args], environment)

const ACCOUNT = uuidOf('account under load')
const STREAM = `noctant.engine-${ACCOUNT}`
/** Commit positions of the orders written, one per append. */
const positions: { position: bigint; orders: number }[] = []
let orders = 0
let lastHash = ''

/** Orders of one account, each another row. */
async function writeOrders(count: number, perAppend: number): Promise<void> {
  for (let written = 0; written < count; written += perAppend) {
    const batch = Array.from({ length: perAppend }, (_, index) => {
      const sequence = orders + index + 1
      const event = example('noctant.EngineOrderPlaced.v1', {
        accountId: ACCOUNT,
        orderId: uuidOf(`order ${sequence}`),
        sequence,
      } as never) as ExampleEvent
      const id = randomUUID()
      const cause = {
        $correlationId: id,
        $causationId: id,
        actor: { kind: 'engine' as const, id: 'test' },
        commandId: id,
      }
      return { id, event, cause }
    })
    const revision = orders === 0 ? undefined : BigInt(orders - 1)
    const appended = await stack.store.append(STREAM, revision, lastHash, batch)
    orders += perAppend
    lastHash = appended.lastHash
    positions.push({ position: appended.position, orders })
  }
}

type Seen = { position: string; orders: number; wrong: number }

async function look(): Promise<Seen> {
  const { rows } = await sql<Seen>`SELECT
    (SELECT position FROM opslog_checkpoints WHERE name = 'projections_noctant') AS position,
    count(*)::integer AS orders, count(*) FILTER (WHERE symbol <> 'EURUSD')::integer AS wrong
    FROM noctant_orders WHERE account_id = ${ACCOUNT}`.execute(db)
  return rows[0]!
}

const arrived = () =>
  vi.waitFor(async () => expect((await look()).orders).toBe(orders), { timeout: 60_000, interval: 50 })

/** What is wrong with what a reader saw: rows must be exactly those of the events up to the checkpoint. */
function faultOf(seen: Seen): string | undefined {
  const reached = positions.findLast(({ position }) => position <= BigInt(seen.position))?.orders ?? 0
  const next = positions.find(({ position }) => position > BigInt(seen.position))?.orders ?? orders
  const fits = seen.orders >= reached && seen.orders <= next
  return fits && seen.wrong === 0 ? undefined : `${JSON.stringify(seen)}, expected ${reached} to ${next} orders`
}

/** Traffic and a reader while `work` goes on; answers what the reader found wrong, and how often it looked. */
async function underTraffic(work: () => Promise<void>): Promise<{ faults: string[]; looks: number }> {
  const seen: Seen[] = []
  const stop = new AbortController()
  const writing = (async () => {
    while (!stop.signal.aborted) await writeOrders(5, 5)
  })()
  const reading = (async () => {
    while (!stop.signal.aborted) seen.push(await look())
  })()
  try {
    await work()
  } finally {
    stop.abort()
    await Promise.all([writing, reading])
  }
  // Judged at the end: a row may be there before the answer to its append is.
  return { faults: seen.map(faultOf).filter((fault) => fault !== undefined), looks: seen.length }
}

describe('a rebuild beside a running instance', () => {
  test('never lets a reader see a wrong or a missing row, and ends with equal tables', async () => {
    const { faults, looks } = await underTraffic(async () => {
      for (let round = 0; round < 2; round++) {
        const ended = await program('rebuild', 'noctant.order', 'noctant.accountCommand', '--json')
        expect(ended).toMatchObject({ exitCode: 0 })
        expect(JSON.parse(ended.stdout)).toMatchObject({ outcome: 'rebuilt', rows_differing: 0, differences: [] })
      }
    })
    expect(faults).toEqual([])
    expect(looks).toBeGreaterThan(20)
    await arrived()
    expect(await opslog('verify', '--all')).toMatchObject({ exitCode: 0 })
  }, 120_000)

  test('may be killed at any moment and run again', async () => {
    const { faults } = await underTraffic(async () => {
      for (let kills = 0; kills < 4; kills++) {
        const child = spawn(
          process.execPath,
          [join(root, 'src/cli/opslog.ts'), 'projections', 'rebuild', 'noctant.order'],
          {
            env: { PATH: process.env.PATH, NODE_NO_WARNINGS: '1', ...environment },
            stdio: 'ignore',
          },
        )
        const ended = once(child, 'exit')
        await Promise.race([delay(randomInt(600, 2_500)), ended])
        child.kill('SIGKILL')
        await ended
      }
      await vi.waitFor(async () => expect(await program('rebuild', 'noctant.order')).toMatchObject({ exitCode: 0 }), {
        timeout: 30_000,
        interval: 200,
      })
    })
    expect(faults).toEqual([])
    await arrived()
    expect(await opslog('verify', 'noctant.order')).toMatchObject({ exitCode: 0 })
    const { projections } = JSON.parse((await opslog('status', '--json')).stdout)
    expect(projections.flatMap(({ shadows }: { shadows: unknown[] }) => shadows)).toEqual([])
  }, 120_000)
})

describe('drift', () => {
  test('is reported by row and column, changes nothing, and is mended by a rebuild that can be taken back', async () => {
    const [changed, lost, surplus] = [uuidOf('order 1'), uuidOf('order 2'), uuidOf('order of nobody')]
    await sql`UPDATE noctant_orders SET symbol = 'DRIFT' WHERE order_id = ${changed}`.execute(db)
    await sql`DELETE FROM noctant_orders WHERE order_id = ${lost}`.execute(db)
    const columns = await writtenColumns()
    await sql`INSERT INTO noctant_orders (${sql.raw(columns.join(', '))})
      SELECT ${sql.raw(columns.map((name) => (name === 'order_id' ? `'${surplus}'::uuid` : name)).join(', '))}
      FROM noctant_orders WHERE order_id = ${uuidOf('order 3')}`.execute(db)

    const found = await opslog('verify', 'noctant.order', '--json')
    expect(found.exitCode).toBe(1)
    const report = JSON.parse(found.stdout)
    expect(report.rows_differing).toBe(3)
    const byKind = Object.fromEntries(report.differences.map((row: { kind: string }) => [row.kind, row]))
    expect(byKind.different).toMatchObject({
      table: 'noctant_orders',
      columns: [{ column: 'symbol', live: 'DRIFT', rebuilt: 'EURUSD' }],
    })
    expect(Object.values(byKind.missing.key)).toContain(lost)
    expect(Object.values(byKind.surplus.key)).toContain(surplus)
    const csv = await opslog('verify', 'noctant.order', '--csv')
    expect(csv.stdout.split('\r\n')[0]).toBe('table,key,kind,column,live,rebuilt')
    expect(csv.stdout).toContain('different,symbol,DRIFT,EURUSD\r\n')

    expect(await opslog('rebuild', 'noctant.order', '--require-equal')).toMatchObject({ exitCode: 1 })
    expect((await look()).wrong).toBe(1)
    expect(await opslog('rebuild', 'noctant.order', '--keep-previous')).toMatchObject({ exitCode: 0 })
    expect((await look()).wrong).toBe(0)
    expect(await opslog('verify', 'noctant.order')).toMatchObject({ exitCode: 0 })

    await writeOrders(10, 10)
    await arrived()
    expect(await opslog('rollback', 'noctant.order')).toMatchObject({ exitCode: 0 })
    expect(await look()).toMatchObject({ wrong: 1, orders })
    expect(await opslog('rollback', 'noctant.order')).toMatchObject({ exitCode: 0 })
    expect(await look()).toMatchObject({ wrong: 0, orders })
  }, 120_000)
})

async function writtenColumns(): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`SELECT column_name AS name FROM information_schema.columns
    WHERE table_name = 'noctant_orders' AND table_schema = 'public' AND is_generated = 'NEVER'`.execute(db)
  return rows.map(({ name }) => name)
}

describe('the other commands', () => {
  test('pause holds the writer and resume lets it go on where it was', async () => {
    expect(await opslog('pause')).toMatchObject({ exitCode: 0 })
    const before = await look()
    await writeOrders(20, 5)
    const { projector, lag_events, lag_ms } = JSON.parse((await opslog('status', '--json')).stdout)
    expect({ projector, lag_events }).toEqual({ projector: 'paused', lag_events: 20 })
    expect(lag_ms).toBeGreaterThan(0)
    expect(await look()).toEqual(before)
    expect(await opslog('resume')).toMatchObject({ exitCode: 0, stdout: 'the projector goes on\n' })
    await arrived()
    expect(await opslog('resume')).toMatchObject({ exitCode: 0, stdout: 'it was not paused\n' })
  }, 60_000)

  test('a dry run changes nothing and says how long it would take', async () => {
    const ended = await opslog('rebuild', '--all', '--dry-run', '--json')
    expect(ended.exitCode).toBe(0)
    expect(JSON.parse(ended.stdout).estimated_events).toBeGreaterThan(5_000)
  }, 60_000)

  test('status prints CSV; unknown names and missing ones are wrong usage', async () => {
    const { stdout } = await program('status', '--csv')
    expect(stdout.split('\r\n')[0]).toMatch(/^name,version,code_version,position,head,lag_events,lag_ms/)
    expect(await opslog('rebuild', 'nobody')).toMatchObject({ exitCode: 2, stdout: '' })
    expect(await opslog('verify')).toMatchObject({ exitCode: 2, stdout: '' })
    expect(await opslog('rollback', 'noctant.trade')).toMatchObject({ exitCode: 1 })
  }, 60_000)

  test('parked events are listed, retried in vain, and skipped', async () => {
    const stream = `noctant.engine-${uuidOf('parked')}`
    await sql`INSERT INTO opslog_parked_events (projection, stream, revision, position, event_id, type, fault)
      VALUES ('noctant.order', ${stream}, 0, 1, ${uuidOf('gone')}::uuid, 'noctant.EngineOrderPlaced.v1', 'for a test')`.execute(
      db,
    )
    const [row] = JSON.parse((await opslog('parked', 'list', '--json')).stdout)
    expect(row).toMatchObject({ projection: 'noctant.order', stream, revision: '0', fault: 'for a test' })
    expect(await opslog('parked', 'retry', stream)).toMatchObject({ exitCode: 1 })
    expect(await opslog('parked', 'skip', stream)).toMatchObject({ exitCode: 0 })
    expect((await opslog('parked', 'list')).stdout).toBe('nothing is parked\n')
    expect(await opslog('parked', 'skip', stream)).toMatchObject({ exitCode: 1 })
  }, 60_000)
})
