/**
 * Row 19: the clocks of the roles' processes are an hour ahead, then an hour behind, set while they work. Order comes from
 * revisions and positions all the same, what is due and what has expired goes by one clock, and each process tells that
 * its own is off.
 *
 * Seen to fail, each of its tests, with every process going by its own clock.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { eventsOf } from '../support/event-store.ts'
import { temporaryDirectory } from '../support/services.ts'
import { contradictions } from './checker.ts'
import { gather } from './evidence.ts'
import { type House, startHouse } from './house.ts'
import { addOperator, type Operator } from './operators.ts'
import { createRandom } from './plan.ts'
import { atRest } from './rest.ts'
import { ask, buy, closeAll, type History, insist, openAccount } from './workload.ts'

const HOUR_MS = 3_600_000
/** What counts as now: a few seconds of work, and far less than an hour. */
const NOW_MS = 60_000
const SHIFTED = ['api', 'projector', 'relay', 'webhooks'] as const

let house: House
let operator: Operator
const history: History = []
const directory = temporaryDirectory()
const shiftFile = join(directory.path, 'shift')
const shiftModule = pathToFileURL(join(import.meta.dirname, '../support/clock-shift.ts')).href

/** Sets the clocks of all roles but the engine, whose clock is the market's. */
function setClocks(ms: number): void {
  writeFileSync(shiftFile, String(ms))
  for (const role of SHIFTED) if (house.runs(role)) process.kill(house.pidOf(role), 'SIGUSR2')
}

beforeAll(async () => {
  house = await startHouse({ CLOCK_CHECK_INTERVAL_MS: '200' })
  operator = await addOperator(house, createRandom('clock'))
  setClocks(HOUR_MS)
  const environment = { NODE_OPTIONS: `--import ${shiftModule}`, CLOCK_SHIFT_FILE: shiftFile }
  for (const role of SHIFTED) await house.start(role, environment)
  await house.start('engine')
}, 180_000)
afterAll(async () => {
  await operator.receiver.close()
  await house.close()
  directory.remove()
}, 60_000)

const offset = async (): Promise<number> => {
  const metrics = await (await fetch(`${house.api().url}/metrics`)).text()
  return Number(/^opslog_clock_offset_seconds (\S+)$/m.exec(metrics)?.[1])
}

const commandEvents = async (commandId: string) =>
  (await eventsOf(house.store, `noctant.engineCommand-${commandId}`)).map(({ type }) => type.split('.')[1])

describe.each([
  ['an hour ahead', HOUR_MS],
  ['an hour behind', -HOUR_MS],
])('with clocks that are %s', (_, shiftMs) => {
  it('each process tells, and one metric says by how much', { timeout: 30_000 }, async () => {
    setClocks(shiftMs)
    await vi.waitFor(async () => expect(Math.abs((await offset()) - shiftMs / 1_000)).toBeLessThan(5), {
      interval: 100,
      timeout: 10_000,
    })
    for (const role of SHIFTED) {
      const file = house.logFiles().find((each) => each.includes(`/${role}/`)) as string
      const told = () =>
        expect(readFileSync(file, 'utf8').includes('the clock of this process is off'), role).toBe(true)
      await vi.waitFor(told, { interval: 100, timeout: 10_000 })
    }
  })

  it('writes go through, and are recorded under the one clock', { timeout: 60_000 }, async () => {
    // Seen to fail with appends whose deadline is told by the process's clock: an hour behind, all of them were 503.
    const id = `clock-${randomUUID()}`
    const asked = await ask(house, 'POST', '/users', { external_id: id }, { key: operator.key })
    expect(asked.status).toBe(201)
    history.push({ what: 'user', id, outcome: 'ok', key: operator.key })
    expect(Math.abs(Date.parse(asked.body.created_at) - Date.now())).toBeLessThan(NOW_MS)
    const { external, accountId } = await openAccount(house, history)
    await buy(house, accountId)
    await closeAll(house, external, history)
    await atRest(house)
    expect(operator.receiver.received.map(({ body }) => body).join()).toContain(id)
  })

  it('a command that the engine has not confirmed is sent again in time', { timeout: 60_000 }, async () => {
    const { external, accountId } = await openAccount(house, history)
    await buy(house, accountId)
    await house.kill('engine')
    const commandId = await closeAll(house, external, history)
    await vi.waitFor(async () => expect(await commandEvents(commandId)).toContain('EngineCommandPublished'), {
      timeout: 10_000,
    })
    setClocks(shiftMs - HOUR_MS)
    const again = async () => expect(await commandEvents(commandId)).toContain('EngineCommandRepublished')
    await vi.waitFor(again, { interval: 100, timeout: 20_000 })
    setClocks(shiftMs)
    await house.start('engine')
    await atRest(house)
  })

  it('the link of a launch can be used as long as it may, and no longer', { timeout: 60_000 }, async () => {
    const { external } = await openAccount(house, history)
    await atRest(house)
    const made = await insist(house, 'POST', '/launch-sessions', {
      external_user_id: external,
      external_account_id: external,
      requested_route: '/terminal',
      requested_product_mode: 'terminal',
    })
    expect(made.status).toBeLessThan(300)
    setClocks(shiftMs + HOUR_MS)
    const opened = await fetch(made.body.launch_url, { method: 'POST', redirect: 'manual' })
    expect(opened.status).toBe(303)
    setClocks(shiftMs)
  })
})

it('nothing contradicts anything, and every event is of now', { timeout: 60_000 }, async () => {
  expect(await contradictions(house, history, [operator])).toEqual([])
  const { log } = await gather(house)
  const astray = log.filter(({ content }) => {
    const { occurredAt } = content
    return typeof occurredAt === 'string' && Math.abs(Date.parse(occurredAt) - Date.now()) > 10 * NOW_MS
  })
  expect(astray.map(({ type, content }) => `${type} ${content.occurredAt}`)).toEqual([])
})
