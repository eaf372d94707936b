/** The log seals itself: what goes into the log and into the file, and what is said where the log is not what was sealed. */
import { createHmac, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openRawLog, type RawEvent, type RawLog } from '../../src/audit/raw-log.ts'
import { createSealChecker, makeSeal, publicKeyText, readSeals } from '../../src/audit/seal.ts'
import { ensureSealKey } from '../../src/audit/seal-key.ts'
import { openSealer, recordSeal, runSealing } from '../../src/audit/sealing.ts'
import { createResolve } from '../../src/webhooks/request.ts'
import { createSealSender } from '../../src/webhooks/seal-post.ts'
import { sampleRegistry as registry } from '../sample/context.ts'
import { roomOpened, roomStream } from '../sample/room.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { uuidOf } from '../support/examples.ts'
import { createDatabase, type TemporaryDirectory, type TestDatabase, temporaryDirectory } from '../support/services.ts'
import { answers, startReceiver } from '../support/webhook-receiver.ts'

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
  store = await startTestStore(registry)
  log = openRawLog(store.url, registry)
  directory = temporaryDirectory()
  privateKey = ensureSealKey(join(directory.path, 'seals', 'audit-seal-key.pem'))
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
  const event = roomOpened()
  await store.store.append(roomStream(id), undefined, '', [{ id, event, cause }])
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
  const checker = createSealChecker([one!, two!], [publicKeyText(createPrivateKey(privateKey))])
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

test('every seal is posted, signed and in order, and again under its id where it was not taken', async () => {
  const receiver = await startReceiver()
  receiver.behave(answers(503))
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const limits = { timeoutMs: 2_000, excerptMaxBytes: 1_024, allowLoopback: true }
  const send = createSealSender({ url: receiver.url, secret, limits, resolve: createResolve(), now })
  const post = { send, marker: join(directory.path, 'seal-posted'), backlogMax: 2, retryScheduleMs: [1] }
  const posting = () => openSealer({ log, store: store.store, privateKey, file: undefined, post, now })
  const first = await posting()
  for (let index = 0; index < 3; index++) {
    await open()
    await first.catchUp()
    await first.seal()
  }
  const signal = new AbortController().signal
  expect(await first.post(signal)).toBe('the address answered 503')
  receiver.behave(answers(204))
  // Another process goes on where this one stood, with the newest of those that were missed.
  expect(await (await posting()).post(signal)).toBeUndefined()
  expect(await (await posting()).post(signal)).toBeUndefined()
  const [refused, ...taken] = receiver.received.map(({ headers, body }) => ({ headers, body, of: JSON.parse(body) }))
  const [, second, third] = await readSeals(log)
  expect(taken.map(({ of }) => of.data.signature)).toEqual([second!.signature, third!.signature])
  expect(refused!.headers['webhook-id']).toBe(taken[0]!.headers['webhook-id'])
  const { headers, body } = taken[0]!
  const message = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const expected = createHmac('sha256', Buffer.alloc(32, 7)).update(message).digest('base64')
  expect(headers['webhook-signature']).toBe(`v1,${expected}`)
  await receiver.close()
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

test('nothing is sealed before its interval is over, by a process that starts anew neither; each seal is offered and posted', async () => {
  await open()
  let nowMs = now().getTime()
  let looks = 0
  const watched = { ...log, head: () => Promise.try(log.head).finally(() => (looks += 1)) }
  const posted: string[] = []
  const post = {
    send: async ({ signature }: { signature: string }) => void posted.push(signature),
    ...{ marker: join(directory.path, 'seal-posted'), backlogMax: 10, retryScheduleMs: [1] },
  }
  const started = () => {
    const stopping = new AbortController()
    const health = { state: 'standby' as const, fault: undefined, handled: 0 }
    const running = runSealing({
      ...{ log: watched, store: store.store, databaseUrl: database.url, privateKey, file: file(), post },
      ...{ intervalMs: 1_000, retryMs: 50, now: () => new Date(nowMs), signal: stopping.signal, health },
      report: { info: () => undefined, error: () => undefined },
    })
    const stop = async () => {
      stopping.abort()
      await running
    }
    return { health, stop }
  }
  const patient = { timeout: 20_000 }
  /** The log is looked at anew, twice: what was decided at the first of these looks is done. */
  const looked = async () => {
    const before = looks
    await expect.poll(() => looks - before, patient).toBeGreaterThan(1)
  }
  const first = started()
  await looked()
  expect(first.health.handled).toBe(0)
  nowMs += 1_000
  await expect.poll(() => first.health.handled, patient).toBe(1)
  await first.stop()
  await open()
  nowMs += 400
  const second = started()
  await looked()
  expect(second.health.handled).toBe(0)
  // Since the last seal, whoever made it.
  nowMs += 600
  await expect.poll(() => second.health.handled, patient).toBe(1)
  await expect.poll(() => posted.length, patient).toBe(2)
  await second.stop()
  const signatures = (await readSeals(log)).map(({ signature }) => signature)
  expect([posted, inFile().map(({ signature }) => signature)]).toEqual([signatures, signatures])
}, 60_000)
