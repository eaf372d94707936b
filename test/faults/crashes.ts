/**
 * A house whose processes look for orders at their crash points (src/runtime/crash-points.ts): a test says where a role is to die,
 * lets it work, and sees it dead before it is started again. After each test the checker must find nothing.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import type { CrashOrder } from '../../src/runtime/crash-points.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Broker, openBroker } from './broker.ts'
import { contradictions } from './checker.ts'
import { gather } from './evidence.ts'
import { type House, type RoleName, startHouse, startRoles } from './house.ts'
import { addOperator, type Operator } from './operators.ts'
import { createRandom } from './plan.ts'
import { ask, type History, insist } from './workload.ts'

export interface CrashHouse {
  house: () => House
  history: History
  broker: () => Broker
  /** Accounts of which a test has forged events, which are to be set aside; none of another may be. */
  forged: Set<string>
  /** Adds an operator whose key the API knows; the checker holds its webhooks against what its endpoint receives. */
  newOperator(): Promise<Operator>
  /** Orders a process to die, stand still or fail at its next pass of a crash point. */
  order(order: CrashOrder): void
  /** Resolves when the last order has been carried out. */
  reached(): Promise<void>
  /** Orders the role to die at the point, lets the work begin, and resolves with its end when the role is dead. */
  dies<T>(role: RoleName, order: Omit<CrashOrder, 'do'>, work: () => Promise<T>): Promise<T>
  /** Resolves when every command that was accepted has been decided, and the read models know. */
  settled(): Promise<void>
  statusOf(external: string, commandId: string): Promise<string>
  /** Resolves when the command stands at this status. */
  reaches(external: string, commandId: string, status: string): Promise<void>
}

/** All of the moments; in a short run the one that the seed says. */
export function momentsOf<const T>(moments: readonly T[]): readonly T[] {
  const { OPSLOG_FAULT_MOMENTS: which = 'all', OPSLOG_SEED: seed = '1' } = process.env
  return which === 'one' ? [moments[Number(seed) % moments.length] as T] : moments
}

const REACHED_MAX_MS = 20_000
const STATUS_MAX_MS = 30_000
const SETTLED_MAX_MS = 60_000
const REDELIVER_MS = 500
const DRAINED_MAX_MS = 20_000
const CHECKED_MAX_MS = 20_000

/** Starts the house before the file's tests and looks after it between them. */
export function crashHouse(environment: Record<string, string> = {}): CrashHouse {
  const directory = temporaryDirectory()
  const file = join(directory.path, 'crash-point.json')
  // Inherited by everything that the house starts, the event store node included.
  process.env.CRASH_POINT_FILE = file
  const history: History = []
  const operators: Operator[] = []
  const forged = new Set<string>()
  let running: House | undefined
  let opened: Broker | undefined
  const house = () => {
    if (!running) throw new Error('the house was not started')
    return running
  }
  const broker = () => {
    if (!opened) throw new Error('the house was not started')
    return opened
  }

  beforeAll(async () => {
    running = await startHouse({ INGEST_ACK_WAIT_MS: `${REDELIVER_MS}`, ...environment })
    await startRoles(running)
    opened = await openBroker(running)
  }, 180_000)
  afterAll(async () => {
    await Promise.all(operators.map(({ receiver }) => receiver.close()))
    await opened?.close()
    await running?.close()
    directory.remove()
  }, 60_000)

  const isSettled = async () => {
    for (const { what, id, externalAccountId, outcome } of history) {
      if (what !== 'close-all' || outcome !== 'ok') continue
      const path = `/accounts/by-external-id/commands/${id}?external_account_id=${externalAccountId}`
      const { body } = await ask(house(), 'GET', path)
      expect(body.command?.status).toBe('engine_wal_confirmed')
    }
  }
  const settled = () => vi.waitFor(isSettled, { interval: 100, timeout: SETTLED_MAX_MS })
  /** Nothing that was published is left to be taken in. */
  const drained = async () => {
    for (const stream of ['commands', 'events'] as const) {
      const [last, done] = [await broker().lastSequence(stream), await broker().acknowledged(stream)]
      expect(done, `${stream} acknowledged, of ${last}`).toBeGreaterThanOrEqual(last)
    }
  }
  afterEach(async () => {
    rmSync(file, { force: true })
    await house().mend()
    await settled()
    await broker().redeliverAfter('commands', REDELIVER_MS)
    await vi.waitFor(drained, { interval: 50, timeout: DRAINED_MAX_MS })
    // What is still on its way is no contradiction; what stays one is.
    const check = async () => {
      expect(await contradictions(house(), history, operators)).toEqual([])
      const aside = (await gather(house())).log.filter(({ type }) => type === 'noctant.EngineEventQuarantined.v1')
      expect(aside.map(({ content }) => content).filter(({ accountId }) => !forged.has(String(accountId)))).toEqual([])
    }
    await vi.waitFor(check, { interval: 500, timeout: CHECKED_MAX_MS })
  }, 120_000)

  function order(wanted: CrashOrder): void {
    rmSync(`${file}.reached`, { force: true })
    writeFileSync(`${file}.new`, JSON.stringify(wanted))
    renameSync(`${file}.new`, file)
  }
  const reached = () =>
    vi.waitFor(() => expect(existsSync(`${file}.reached`), 'the crash point is reached').toBe(true), {
      interval: 10,
      timeout: REACHED_MAX_MS,
    })
  const statusOf = async (external: string, commandId: string): Promise<string> => {
    const path = `/accounts/by-external-id/commands/${commandId}?external_account_id=${external}`
    return (await insist(house(), 'GET', path)).body.command.status
  }
  return {
    house,
    history,
    broker,
    forged,
    async newOperator() {
      const operator = await addOperator(house(), createRandom(randomUUID()))
      operators.push(operator)
      const isKnown = async () => expect((await ask(house(), 'GET', '/me', undefined, operator)).status).toBe(200)
      await vi.waitFor(isKnown, { timeout: 10_000 })
      return operator
    },
    order,
    reached,
    async dies(role, where, work) {
      order({ ...where, do: 'kill' })
      const working = work()
      // It may fail before the role is seen dead; that is told at the end.
      working.catch(() => undefined)
      await reached()
      await vi.waitFor(() => expect(house().runs(role), `${role} still runs`).toBe(false), {
        interval: 10,
        timeout: 10_000,
      })
      return working
    },
    settled,
    statusOf,
    reaches: (external, commandId, status) =>
      vi.waitFor(async () => expect(await statusOf(external, commandId)).toBe(status), {
        interval: 50,
        timeout: STATUS_MAX_MS,
      }),
  }
}
