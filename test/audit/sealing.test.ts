/** The log seals itself: what goes into the log and into the file, and what is said where the log is not what was sealed. */
import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openRawLog, type RawEvent, type RawLog } from '../../src/audit/raw-log.ts'
import { createSealChecker, makeSeal, readSeals } from '../../src/audit/seal.ts'
import { ensureSealKey, pinnedSealKeys } from '../../src/audit/seal-key.ts'
import { openSealer, recordSeal, runSealing } from '../../src/audit/sealing.ts'
import { registry } from '../support/contexts.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { example, uuidOf } from '../support/examples.ts'
import { createDatabase, type TemporaryDirectory, type TestDatabase, temporaryDirectory } from '../support/services.ts'

let store: TestStore
let log: RawLog
let database: TestDatabase
let directory: TemporaryDirectory
let privateKey: string
let opened = 0
const now = () => new Date('2026-03-02T09:00:00.000Z')

beforeAll(async () => {
  database = await createDatabase()
}, 60_000)
beforeEach(async () => {
  store = await startTestStore()
  log = openRawLog(store.url, registry)
  directory = temporaryDirectory()
  privateKey = ensureSealKey(directory.path)
  return async () => {
    await log.close()
    await store.close()
    directory.remove()
  }
}, 60_000)
afterAll(() => database.drop())

async function open(): Promise<void> {
  opened += 1
  const id = uuidOf(`opened ${opened}`)
  const actor = { kind: 'system' as const, id: 'test' }
  const cause = { $correlationId: id, $causationId: id, actor, commandId: id }
  const event = example('noctant.AccountOpened.v1')
  await store.store.append(`noctant.account-${id}`, undefined, '', [{ id, event, cause }])
}

const file = () => join(directory.path, 'seals.ndjson')
const sealer = (of: Partial<RawLog> = {}) =>
  openSealer({ log: { ...log, ...of }, store: store.store, privateKey, file: file(), now })
const inFile = () =>
  readFileSync(file(), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

test('a seal is made of what is new alone, and holds; a log in which nothing happened is not sealed again', async () => {
  await open()
  const first = await sealer()
  expect(await first.catchUp()).toEqual([])
  const one = await first.seal()
  await first.catchUp()
  expect(await first.seal()).toBeUndefined()
  await open()
  await first.catchUp()
  const two = await first.seal()
  const checker = createSealChecker([one!, two!], pinnedSealKeys(undefined, directory.path))
  for await (const event of log.readAll()) checker.add(event)
  expect(checker.finish().map(({ fault }) => fault)).toEqual([undefined, undefined])
  expect(await readSeals(log)).toEqual([one, two])
  // One that starts anew goes on from there.
  const second = await sealer()
  expect(await second.catchUp()).toEqual([])
  expect(await second.seal()).toBeUndefined()
  expect(second.lastSealedMs()).toBe(now().getTime())
})

test('the file gets every seal once, also those that it missed', async () => {
  await open()
  const first = await sealer()
  await first.catchUp()
  await first.seal()
  // A crash before the file was written.
  const second = await sealer()
  second.offer()
  second.offer()
  expect(inFile()).toEqual(await readSeals(log))
  appendFileSync(file(), '{"position":"1')
  await open()
  await second.catchUp()
  await second.seal()
  second.offer()
  expect(inFile()).toEqual(await readSeals(log))
  appendFileSync(file(), 'not a seal\n')
  expect(() => second.offer()).toThrow()
})

test('an altered event and a tail that was cut off are told, and so is no seal of another key', async () => {
  for (let index = 0; index < 3; index++) await open()
  const first = await sealer()
  await first.catchUp()
  await first.seal()
  const other = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const forged = makeSeal({ position: 1n, events: 1n, root: 'ab'.repeat(32) }, other, now().toISOString())
  await recordSeal(store.store, forged, { kind: 'admin', id: 'test' })
  const changed = (change: (events: RawEvent[]) => RawEvent[]): Partial<RawLog> => ({
    async *readAll() {
      yield* change(await Array.fromAsync(log.readAll()))
    },
  })
  expect(await (await sealer()).catchUp()).toEqual([])
  const altered = await sealer(changed(([one, two, ...rest]) => [one!, { ...two!, created: '17' }, ...rest]))
  expect(await altered.catchUp()).toEqual([expect.stringContaining('not the ones that were sealed')])
  const head = (await Array.fromAsync(log.readAll()))[1]!.position
  const cut = await sealer({ head: async () => head })
  expect(await cut.catchUp()).toEqual([expect.stringContaining('ends before what it seals')])
})

test('the process seals at its interval, one of several at a time', async () => {
  await open()
  const stopping = new AbortController()
  const health = [1, 2].map(() => ({
    state: 'standby' as 'standby' | 'leading' | 'stopped',
    fault: undefined,
    handled: 0,
  }))
  const report = { info: () => undefined, error: () => undefined }
  const times = { intervalMs: 1, retryMs: 50, now: () => new Date(), signal: stopping.signal }
  const running = health.map((own) =>
    runSealing({
      ...times,
      log,
      store: store.store,
      databaseUrl: database.url,
      privateKey,
      file: file(),
      health: own as never,
      report,
    }),
  )
  await expect.poll(() => health.reduce((sum, { handled }) => sum + handled, 0)).toBe(1)
  expect(health.map(({ state }) => state).toSorted()).toEqual(['leading', 'standby'])
  await open()
  await expect.poll(() => health.reduce((sum, { handled }) => sum + handled, 0)).toBe(2)
  stopping.abort()
  await Promise.all(running)
  expect(health.map(({ state }) => state)).toEqual(['stopped', 'stopped'])
  expect(inFile()).toHaveLength(2)
})
