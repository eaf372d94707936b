/**
 * Row 39: the event store is put back to an older backup while the read models know more. Nothing is written to it and
 * nothing is read from it; every part says so, and goes on by itself when the right store is back.
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

  await store.kill()
  renameSync(directory, `${directory}-right`)
  renameSync(`${directory}-backup`, directory)
  await store.start()
  const writing = async () => {
    const { status, body } = await ask(house, 'POST', '/users', { external_id: `astray-${randomUUID()}` })
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'event_store_mismatch' })
  }
  await vi.waitFor(writing, { interval: 100, timeout: 30_000 })
  const shown = async () => expect((await fetch(`${house.api().url}/readyz`)).status).toBe(503)
  await vi.waitFor(shown, { interval: 100, timeout: 30_000 })
  for (const role of FOLLOWERS) {
    const said = () => expect(logOf(role), role).toContain('the event store has another log')
    await vi.waitFor(said, { interval: 50, timeout: 30_000 })
  }
  // What was known still is: nothing was taken back, and nothing added.
  expect((await ask(house, 'GET', `/users?external_id=${late}`)).status).toBe(200)

  await store.kill()
  rmSync(directory, { recursive: true })
  renameSync(`${directory}-right`, directory)
  await store.start()
  const again = async () => expect((await fetch(`${house.api().url}/readyz`)).status).toBe(200)
  await vi.waitFor(again, { interval: 200, timeout: 60_000 })
  history.push({ what: 'user', id: late, outcome: 'ok' })
  await closeAll(house, external, history)
  await atRest(house)
  expect(await contradictions(house, history)).toEqual([])
})
