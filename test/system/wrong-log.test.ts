/**
 * An instance as `npm start` runs it, in front of an event store that becomes another one: an empty one, an older copy
 * that grows, and the right one again. And the ways on: a start on the wrong one, and adopting what there is.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { createEventStore } from '../../src/events/store.ts'
import { type Ended, runCli, spawnCli } from '../support/cli.ts'
import { contexts, registry } from '../support/contexts.ts'
import { example, ids, uuidOf } from '../support/examples.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { createDatabase, type TestDatabase, temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'
import { type SwappedStore, startSwappedStore } from '../support/swapped-store.ts'

const directory = temporaryDirectory()
let address: SwappedStore
let database: TestDatabase
let instance: Started
const started: ChildProcess[] = []

interface Started {
  url(): string
  key(): string
  said(): string
  ended: Promise<number | null>
  stop(): Promise<number | null>
}

beforeAll(async () => {
  ;[address, database] = await Promise.all([startSwappedStore(), createDatabase()])
  instance = start()
  await isUp(instance)
}, 90_000)
afterAll(async () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await address.close()
  await database.drop()
  directory.remove()
})

const environment = () => ({
  EVENTSTORE_URL: address.url,
  DATABASE_URL: database.url,
  DATA_DIR: join(directory.path, 'data'),
  NATS_SERVER: 'off',
  SANDBOX_OPERATOR: 'on',
  ...impatience,
})

/** What makes waits short between an exchange and what is seen of it. */
const impatience = {
  EVENTSTORE_DEADLINE_MS: '1500',
  HEARTBEAT_INTERVAL_MS: '500',
  LOG_MISMATCH_PATIENCE_MS: '500',
  PROCESS_RETRY_MS: '200',
  SUBSCRIPTION_BACKOFF_MAX_MS: '500',
  SUBSCRIPTION_SILENCE_MAX_MS: '2000',
}

function start(): Started {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
    cwd: root,
    env: { ...programEnvironment(), PORT: '0', ...environment() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const fileOf = (name: string) => JSON.parse(readFileSync(join(directory.path, 'data', name), 'utf8'))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    url: () => fileOf('services.json').api.url,
    key: () => fileOf('sandbox-operator.json').api_key,
    said: () => said,
    ended,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

const isUp = ({ said }: Started) => vi.waitFor(() => expect(said()).toContain('opslog is up'), 60_000)

async function ask(method: string, path: string, body?: object) {
  const response = await fetch(`${instance.url()}${path}`, {
    method,
    headers: { authorization: `Bearer ${instance.key()}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

const enter = (external_id = `user-${randomUUID()}`) => ask('POST', '/noctant/v1/users', { external_id })
const find = (externalId: string) => ask('GET', `/noctant/v1/users?external_id=${externalId}`)
const metric = async (name: string) => {
  const { status, text } = await ask('GET', '/metrics')
  expect(status).toBe(200)
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]
}

const BREATH_MS = 20

/**
 * Writers that go on until they are stopped, with a breath between two requests: they are to meet the exchange, not to
 * take the machine from it. What they were told is in `answers`, what is acknowledged in `entered`.
 */
function load(writers: number) {
  const entered: string[] = []
  const answers: { status: number; code: unknown; retryAfter: string | null }[] = []
  /** What each writer was told last: one that still waits for the read models had its event taken before. */
  const latest: unknown[] = Array(writers).fill(undefined)
  let isOver = false
  const write = async (writer: number) => {
    while (!isOver) {
      const externalId = `user-${randomUUID()}`
      const { status, body, headers } = await enter(externalId)
      if (status === 201) entered.push(externalId)
      answers.push({ status, code: body?.code, retryAfter: headers.get('retry-after') })
      latest[writer] = body?.code
      await delay(BREATH_MS)
    }
  }
  const running = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  onTestFinished(() => {
    isOver = true
  })
  const stop = async () => {
    isOver = true
    await running
  }
  return { entered, answers, latest, stop }
}

/** One for each context that has read models. */
const projectors = String(contexts.filter(({ projections }) => projections.length > 0).length)
const unguarded = () => createEventStore({ url: address.url, registry, deadlineMs: 5_000, appendAttemptsMax: 1 })
const stranger = 'user-of-the-other-log'
/** Another program, or another instance, writes to the store that stands in the place of ours: events of our own types. */
async function grow(events: number): Promise<void> {
  const store = unguarded()
  const cause = {
    $correlationId: 'c',
    $causationId: 'c',
    actor: { kind: 'system', id: 'test' } as const,
    commandId: 'c',
  }
  for (let each = 0; each < events; each++) {
    const name = `${stranger} ${each}`
    const event = example('noctant.OperatorCreated.v1', { operatorId: uuidOf(name), slug: uuidOf(name) })
    await store.append(`noctant.operator-${uuidOf(name)}`, undefined, '', [{ id: randomUUID(), event, cause }])
  }
  await store.close()
}

it('writes nothing to an empty log or an older copy, takes nothing from it, and goes on when the right one is back', async () => {
  const first = load(4)
  await vi.waitFor(() => expect(first.entered.length).toBeGreaterThan(20), 20_000)
  const old = await address.copy()
  const inCopy = first.entered.length
  await vi.waitFor(() => expect(first.entered.length).toBeGreaterThan(inCopy + 40), 20_000)
  await first.stop()
  const entered = [...first.entered]

  for (const wrong of [undefined, old]) {
    const during = load(4)
    await vi.waitFor(() => expect(during.entered.length).toBeGreaterThan(5), 20_000)
    await address.put(wrong)
    await vi.waitFor(() => expect(new Set(during.latest)).toStrictEqual(new Set(['event_store_mismatch'])), 20_000)
    const since = during.answers.length
    const enteredBefore = during.entered.length
    // It comes past the position that the read models stand at.
    await grow(100)
    const sentence = wrong === undefined ? /a log without an identity/ : /an older or another copy of the log/
    await vi.waitFor(async () => {
      const ready = await ask('GET', '/readyz')
      expect([ready.status, ready.body.dependencies.event_store.error]).toEqual([503, expect.stringMatching(sentence)])
      expect(await metric('opslog_event_store_mismatch')).toBe('1')
    }, 20_000)
    await vi.waitFor(async () => expect(await metric('opslog_projector_halted')).toBe(projectors), 20_000)
    await vi.waitFor(() => expect(during.answers.length).toBeGreaterThan(since + 20), 20_000)
    await during.stop()
    expect(during.entered.length).toBe(enteredBefore)
    const codes = during.answers.slice(since).map(({ status, code, retryAfter }) => ({ status, code, retryAfter }))
    expect(new Set(codes.map((each) => JSON.stringify(each)))).toEqual(
      new Set([JSON.stringify({ status: 503, code: 'event_store_mismatch', retryAfter: null })]),
    )
    // Reads are served from the read models, as they were.
    expect((await find(entered[0]!)).status).toBe(200)
    const store = unguarded()
    expect((await store.readLast(`noctant.user-${ids.user}`)) ?? 'nothing').toBe('nothing')
    await store.close()

    await address.put(address.right)
    await vi.waitFor(async () => expect((await enter()).status).toBe(201), { timeout: 30_000, interval: 100 })
    await vi.waitFor(async () => expect((await ask('GET', '/readyz')).body.status).toBe('ready'), {
      timeout: 30_000,
      interval: 100,
    })
    entered.push(...during.entered)
  }
  for (const externalId of entered) {
    await vi.waitFor(async () => expect((await find(externalId)).status).toBe(200), { timeout: 10_000, interval: 50 })
  }
  const operators = JSON.parse((await opslog(['admin', 'operator', 'list', '--json'])).stdout)
  expect(operators.map(({ slug }: { slug: string }) => slug)).toEqual([expect.stringMatching(/^sandbox-/)])
  expect(await opslog(['projections', 'verify', '--all'])).toMatchObject({ exitCode: 0 })
  expect(await opslog(['audit', 'verify'])).toMatchObject({ exitCode: 0 })
}, 180_000)

it('shows its figures within a second while the event store is away, with a gauge for each thing that it depends on', async () => {
  await address.stop()
  await vi.waitFor(async () => expect(await metric('opslog_event_store_up')).toBe('0'), 20_000)
  const { text: kept } = await ask('GET', '/metrics')
  // Answers are kept for a second: the next one that differs was made anew.
  const { text, tookMs } = await vi.waitFor(async () => {
    const beganMs = performance.now()
    const fresh = (await ask('GET', '/metrics')).text
    expect(fresh).not.toBe(kept)
    return { text: fresh, tookMs: performance.now() - beganMs }
  }, 20_000)
  expect(tookMs).toBeLessThan(1_000)
  expect(text).toMatch(/^opslog_event_store_up 0$/m)
  expect(text).toMatch(/^opslog_postgres_up 1$/m)
  expect(text).toMatch(/^opslog_command_stream_up 1$/m)
  await address.put(address.right)
  await vi.waitFor(async () => expect(await metric('opslog_event_store_up')).toBe('1'), {
    timeout: 30_000,
    interval: 200,
  })
}, 90_000)

const opslog = (args: readonly string[], answer?: string): Promise<Ended> =>
  answer === undefined ? runCli(args, environment()) : spawnCli(args, environment(), answer)

it('ends its start with 1 and a sentence at the wrong log, and says that it is up at no time', async () => {
  expect(await instance.stop()).toBe(0)
  await address.put()
  const attempt = start()
  expect(await attempt.ended).toBe(1)
  expect(attempt.said()).toMatch(
    /opslog cannot start\. The event store has a log without an identity, which is empty; /,
  )
  expect(attempt.said()).toContain('Put the right event store back (EVENTSTORE_URL)')
  expect(attempt.said()).not.toContain('is up')
  expect(attempt.said()).not.toMatch(/^\s+at /m)
  const store = unguarded()
  expect(await store.head()).toBeUndefined()
  await store.close()
}, 90_000)

it('goes on with what is left of its log where somebody says so in so many words, and not before', async () => {
  // The end is lost: what stands at the address is the log as it was before these users came.
  await address.put(address.right)
  instance = start()
  await isUp(instance)
  const kept = `kept-${randomUUID()}`
  expect((await ask('POST', '/noctant/v1/users', { external_id: kept, email: 'ada@example.com' })).status).toBe(201)
  const shorter = await address.copy()
  const lost = `lost-${randomUUID()}`
  await vi.waitFor(async () => expect((await enter(lost)).status).toBe(201), { timeout: 30_000, interval: 100 })
  await vi.waitFor(async () => expect((await find(lost)).status).toBe(200), { timeout: 10_000, interval: 50 })
  expect(await opslog(['store', 'adopt-log'])).toMatchObject({ exitCode: 3, stdout: '' })
  expect(await instance.stop()).toBe(0)
  await address.put(shorter)
  const key = instance.key()

  const dry = await opslog(['store', 'adopt-log', '--dry-run', '--json'])
  expect(dry.exitCode).toBe(0)
  const plan = JSON.parse(dry.stdout)
  expect(plan).toMatchObject({ adopted: false, logId: plan.formerLogId })
  expect(BigInt(plan.headPosition)).toBeLessThan(BigInt(plan.formerPosition))
  expect(await opslog(['store', 'adopt-log'])).toMatchObject({ exitCode: 2, stdout: '' })
  for (const answer of ['yes', '']) {
    const refused = await opslog(['store', 'adopt-log'], answer)
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
    expect(refused.stderr).toContain(`position ${plan.formerPosition}`)
    expect(refused.stderr).toContain('Nothing was changed')
  }
  const still = start()
  expect(await still.ended).toBe(1)
  expect(still.said()).toMatch(/an older or another copy of the log/)

  const adopted = await opslog(['store', 'adopt-log'], 'adopt')
  expect(adopted).toMatchObject({ exitCode: 0 })
  expect(adopted.stdout).toContain('Adopted. Start the instances.')
  instance = start()
  await isUp(instance)
  await vi.waitFor(async () => expect((await find(kept)).status).toBe(200), { timeout: 30_000, interval: 100 })
  expect((await find(lost)).status).toBe(404)
  // The vault was kept: what is personal can be read still.
  expect((await find(kept)).text).toContain('ada@example.com')
  await vi.waitFor(async () => expect((await enter(lost)).status).toBe(201), { timeout: 30_000, interval: 100 })
  const store = unguarded()
  expect(await store.readLast('opslog.log-identity')).toMatchObject({
    type: 'opslog.LogAdopted.v1',
    data: { logId: plan.logId, formerPosition: plan.formerPosition, commonPosition: plan.commonPosition },
  })
  await store.close()
  expect(instance.key()).toBe(key)
  expect(await opslog(['store', 'adopt-log', '--dry-run'])).toMatchObject({ exitCode: 3 })
  expect(await instance.stop()).toBe(0)
  const again = await opslog(['store', 'adopt-log'])
  expect(again).toMatchObject({ exitCode: 0 })
  expect(again.stdout).toContain('nothing is to be done')
  expect(existsSync(join(directory.path, 'data', 'services.json'))).toBe(false)
}, 180_000)
