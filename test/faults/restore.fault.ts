/**
 * Row 39: the event store is put back to an older backup while the read models know more. Whoever follows the log refuses
 * to go on, says why and what to do, and goes on when the right store is back.
 */
import { randomUUID } from 'node:crypto'
import { cpSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { contradictions } from './checker.ts'
import { type House, startHouse, startRoles } from './house.ts'
import { atRest } from './rest.ts'
import { ask, buy, closeAll, type History, insist, openAccount } from './workload.ts'

let house: House
const history: History = []

beforeAll(async () => {
  house = await startHouse()
  await startRoles(house)
}, 180_000)
afterAll(() => house.close(), 60_000)

const logOf = (role: string): string =>
  readFileSync(house.logFiles().find((file) => file.includes(`/${role}/`)) ?? '', 'utf8')
const FOLLOWERS = ['projector', 'relay', 'webhooks'] as const

it('an older event store is refused by all who follow it, until the right one is back', {
  timeout: 180_000,
}, async () => {
  // Seen to fail with the checkpoint's event not looked for: nobody said a word.
  const { store } = house.services
  const { directory } = store
  const { external, accountId } = await openAccount(house, history)
  await atRest(house)
  await store.kill()
  cpSync(directory, `${directory}-backup`, { recursive: true })
  await store.start()
  await buy(house, accountId)
  await closeAll(house, external, history)
  const late = `late-${randomUUID()}`
  expect((await insist(house, 'POST', '/users', { external_id: late })).status).toBe(201)
  await atRest(house)

  for (const role of FOLLOWERS) await house.kill(role)
  await store.kill()
  renameSync(directory, `${directory}-right`)
  renameSync(`${directory}-backup`, directory)
  await store.start()
  for (const role of FOLLOWERS) {
    await house.start(role)
    const refused = () => {
      expect(logOf(role).includes('it was restored from an older backup, or it is another store'), role).toBe(true)
      expect(logOf(role).includes('Put the right store back'), role).toBe(true)
    }
    await vi.waitFor(refused, { interval: 50, timeout: 30_000 })
  }
  const missing = async () => {
    const answer = await (await fetch(`${house.api().url}/readyz`)).json()
    const { status, dependencies } = answer as { status: string; dependencies: Record<string, { up: boolean }> }
    expect([status, ...FOLLOWERS.map((role) => dependencies[role]?.up)]).toEqual(['degraded', false, false, false])
  }
  await vi.waitFor(missing, { interval: 100, timeout: 20_000 })
  // What was known still is: nothing was taken back, and nothing added.
  const shown = await insist(house, 'GET', `/users?external_id=${late}`)
  expect(shown.status).toBe(200)
  await ask(house, 'POST', '/users', { external_id: `astray-${randomUUID()}` })

  for (const role of FOLLOWERS) await house.kill(role)
  await house.kill('api')
  await store.kill()
  rmSync(directory, { recursive: true })
  renameSync(`${directory}-right`, directory)
  await store.start()
  await house.mend()
  history.push({ what: 'user', id: late, outcome: 'ok' })
  await closeAll(house, external, history)
  await atRest(house)
  expect(await contradictions(house, history)).toEqual([])
})
