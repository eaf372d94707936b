/**
 * Forgetting a person, on whole instances: two of them on the same services, as two machines would be. Before, what is
 * personal stands nowhere but in the columns that are meant for it; after, it stands nowhere at all, in no answer, no
 * table and no webhook; the log's chains hold, a rebuild makes the same tables, and everybody else is as before.
 *
 * Seen to fail: without the look at the person before an attempt, without the states' being dropped, without either
 * erasure, with the answers of endpoints unsealed, and with what they say after a forgetting kept.
 */
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { operator } from '../../../src/commands/noctant/operator.ts'
import { user } from '../../../src/commands/noctant/user.ts'
import { createDatabase, type ReadModels } from '../../../src/postgres/database.ts'
import { createVault, destroyKey } from '../../../src/vault/vault.ts'
import { accountRequest } from '../../http/noctant/serving.ts'
import { runCli } from '../../support/cli.ts'
import { type SecondInstance, startSecond } from '../../support/second-instance.ts'
import { temporaryDirectory } from '../../support/services.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { addSubscriber, type Subscriber, sealingKey, webhookEnvironment } from '../../support/webhook-operator.ts'
import { columnsWith, filesWith, rawLogOf, rebuiltAndCompared, textsIn } from '../../support/whereabouts.ts'

/** What is told of a person, each text found nowhere else. */
const personOf = (name: string) => ({
  external: `${name}-4711`,
  email: `${name}.secret@example.com`,
  newEmail: `${name}.later@example.com`,
  displayName: `${name} Secretname`,
  rejectionReason: `the passport of ${name} Secretname is blurred`,
  providerReference: `secret-file-of-${name}`,
  accountName: `Account of ${name} Secretname`,
  returnUrl: `https://app.example.com/back?who=${name}-secret`,
})
type Person = ReturnType<typeof personOf>
const jane = personOf('jane')
const bob = personOf('bob')
const textsOf = ({ external: _, ...texts }: Person): string[] => Object.values(texts)
const secrets = [...textsOf(jane), ...textsOf(bob)]
const foundIn = (text: string, sought = secrets): string[] => textsIn(text, sought)

// The second attempt comes when the forgetting is done.
const environment = { ...webhookEnvironment, WEBHOOK_RETRY_SCHEDULE_MS: '8000,16000' }
const elsewhere = temporaryDirectory()
let stack: Stack
let subscriber: Subscriber
let other: SecondInstance
let db: ReadModels

beforeAll(async () => {
  stack = await startStack({ stream: 'in-process', environment })
  other = await startSecond(stack, environment)
  db = createDatabase({ url: stack.databaseUrl, poolMax: 4 })
  subscriber = await addSubscriber(stack)
  const at = new Date().toISOString()
  const setOrigins = { kind: 'setOrigins', allowedOrigins: ['https://app.example.com'], at } as const
  await stack.bus.handle(operator, subscriber.operator.operatorId, setOrigins, stack.adminContext())
  // It says back what it was told, and wants to hear of later e-mail addresses again.
  subscriber.receiver.behave((response, _, { body }) => {
    response.writeHead(body.includes('.later@') ? 503 : 200).end(body)
  })
  for (const person of [jane, bob]) await live(person)
}, 60_000)
afterAll(async () => {
  await other.close()
  await db.destroy()
  await subscriber.receiver.close()
  await stack.close()
  elsewhere.remove()
})

/** The answer's status and its JSON, from the one instance or from the other. */
async function call(method: string, path: string, body?: unknown, url = stack.url) {
  const answer = await fetch(`${url}/noctant/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${subscriber.operator.apiKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, never> }
}

const kycReport = (person: Person, reported_at: string) => ({
  status: 'rejected',
  reported_at,
  rejected_at: reported_at,
  rejection_reason: person.rejectionReason,
  provider_name: 'a provider',
  provider_reference: person.providerReference,
})
const userOf = (person: Person) => call('GET', `/users?external_id=${person.external}`)
const kycOf = async (person: Person, at: string, url = stack.url) =>
  call('POST', `/users/${(await userOf(person)).body.global_user_id}/kyc-status`, kycReport(person, at), url)
const opening = (person: Person, external: string = person.external) =>
  accountRequest(external, { external_user_id: person.external, account_name: person.accountName })
const launching = (person: Person) => ({
  external_user_id: person.external,
  external_account_id: person.external,
  requested_route: '/terminal',
  requested_product_mode: 'terminal',
  return_url: person.returnUrl,
})
/** A status that the account has already, so that nothing happens and the account is shown. */
const touch = (person: Person, url: string) =>
  call(
    'PATCH',
    `/accounts/by-external-id/status?external_account_id=${person.external}`,
    { status: 'active', idempotency_key: randomUUID() },
    url,
  )
const attemptsOf = async (status: string) =>
  (await subscriber.attempts()).filter((attempt) => attempt.status === status)

/** Everything that may be told of a person, the second instance knowing the account. */
async function live(person: Person): Promise<void> {
  const { external: external_id, email, displayName: display_name } = person
  const done = [
    await call('POST', '/users', { external_id, email, display_name }),
    await kycOf(person, '2026-03-01T10:00:00.000Z'),
    await call('POST', '/accounts', opening(person)),
    await call('POST', '/launch-sessions', launching(person)),
    await touch(person, other.url),
    await call('POST', '/users', { external_id, email: person.newEmail }),
  ]
  expect(done.map(({ status }) => status)).toStrictEqual([201, 200, 201, 201, 200, 200])
  expect(done[4]?.body).toMatchObject({ account: { account_name: person.accountName } })
}

const rawLog = () => rawLogOf(stack.eventStoreUrl)

/** A rebuild of everything, by keys of its own, against the live tables. */
async function differences(): Promise<unknown[]> {
  const personKeys = createVault({ db, sealingKey, cachedMax: 10, log: { error: () => undefined } })
  const compared = await rebuiltAndCompared(db, stack.eventStoreUrl, personKeys)
  expect(compared.rowsLive).toBeGreaterThan(50)
  expect(compared.rowsDiffering).toBe(compared.differences.length)
  return compared.differences
}

const cli = (...args: string[]) =>
  runCli(args, {
    ...environment,
    EVENTSTORE_URL: stack.eventStoreUrl,
    DATABASE_URL: stack.databaseUrl,
    DATA_DIR: elsewhere.path,
  })
const forget = (person: Person) =>
  cli(
    ...['admin', 'forget-user', '--operator', subscriber.operator.operatorId, '--external-id', person.external],
    ...['--reference', 'DSR-7', '--yes', '--json'],
  )

const meant = [
  'noctant_accounts.account_name',
  'noctant_launch_sessions.return_url',
  'noctant_users.display_name',
  'noctant_users.email',
  'noctant_webhook_deliveries.response_body_excerpt',
]

describe('before anybody is forgotten', () => {
  it('what is personal stands in the columns that are meant for it, and nowhere else', async () => {
    await vi.waitFor(async () => expect(await attemptsOf('transient_fail')).toHaveLength(2), { timeout: 10_000 })
    const raw = await rawLog()
    expect(raw.match(/sealed:v1:/g)?.length).toBeGreaterThan(20)
    expect(foundIn(raw)).toStrictEqual([])
    expect(filesWith(dirname(stack.logFile), secrets)).toStrictEqual([])
    expect(Object.keys(await columnsWith(db, secrets)).sort()).toStrictEqual(meant)
  })

  it('a rebuild of every projection after the demo makes the tables that there are', async () => {
    const { url, token } = stack.engine
    const asked = ['--url', stack.url, '--key', stack.apiKey, '--engine-url', url, '--engine-token', token]
    expect(await cli('demo', ...asked)).toMatchObject({ exitCode: 0 })
    expect(await differences()).toStrictEqual([])
    expect(await rawLog()).not.toMatch(/@example\.com|Ada Demo|A day at opslog/)
  }, 60_000)
})

describe('a person who is forgotten', () => {
  let bobBefore: unknown
  let received: number
  const bobNow = async () => [
    (await userOf(bob)).body,
    (await touch(bob, other.url)).body.account,
    (await kycOf(bob, '2026-03-01T10:00:00.000Z')).body,
  ]

  beforeAll(async () => {
    bobBefore = await bobNow()
    const ended = await forget(jane)
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(ended.stdout)).toMatchObject({ changed: true, key_destroyed: true, plain_text_events: 0 })
    await vi.waitFor(async () => expect((await userOf(jane)).body.email).toBeNull(), { timeout: 10_000 })
    received = subscriber.receiver.received.length
  }, 40_000)

  it('has lost every personal field in every answer of every instance', async () => {
    const { external } = jane
    const user = await userOf(jane)
    expect(user).toMatchObject({ status: 200, body: { external_id: external, email: null, display_name: null } })
    for (const url of [other.url, stack.url]) {
      const account = await call('GET', `/accounts/by-external-id?external_account_id=${external}`, undefined, url)
      expect(account).toMatchObject({
        status: 200,
        body: { account: { external_account_id: external, account_name: null } },
      })
      // This one was in memory, at its last revision.
      expect(await touch(jane, url)).toMatchObject({ status: 200, body: { account: { account_name: null } } })
    }
    expect(foundIn(JSON.stringify(await subscriber.attempts()), textsOf(jane))).toStrictEqual([])
  })

  it('is not brought back, and nothing new begins for them, while what there is can be wound up', async () => {
    const { external: external_id, email } = jane
    const refused = { status: 409, body: { code: 'user_forgotten' } }
    for (const url of [stack.url, other.url]) {
      expect(await call('POST', '/users', { external_id, email }, url)).toMatchObject(refused)
      expect(await kycOf(jane, '2026-03-02T10:00:00.000Z', url)).toMatchObject(refused)
      expect(await call('POST', '/accounts', opening(jane, randomUUID()), url)).toMatchObject(refused)
      expect(await call('POST', '/launch-sessions', launching(jane), url)).toMatchObject(refused)
    }
    const correction = { amount: '-1', reason: 'winding up', idempotency_key: randomUUID() }
    const { global_user_id: user } = (await userOf(jane)).body
    const path = `/users/${user}/accounts/by-external-id/corrections?external_account_id=${external_id}`
    const closing = { status: 'disabled', idempotency_key: randomUUID() }
    const disabled = await call('PATCH', `/accounts/by-external-id/status?external_account_id=${external_id}`, closing)
    expect([disabled.status, (await call('POST', path, correction)).status]).not.toContain(409)
    expect(disabled.status).toBe(202)
  })

  it('is not told of by a webhook that was still to be sent, nor by a replay', async () => {
    await vi.waitFor(
      async () =>
        expect((await attemptsOf('dead_letter')).map(({ error_class }) => error_class)).toContain('person_forgotten'),
      { timeout: 25_000, interval: 200 },
    )
    const window = {
      from_created_at: '2020-01-01T00:00:00Z',
      to_created_at: new Date(Date.now() + 1_000).toISOString(),
    }
    const from = new Date(Date.now() - 600_000).toISOString()
    const replay = { ...window, from_created_at: from, idempotency_key: randomUUID() }
    const { body } = await call('POST', '/webhooks/replays', {
      ...replay,
      event_types: ['user.provisioned', 'user.updated'],
    })
    expect(body.enqueued_count).toBe(4)
    await vi.waitFor(
      () => {
        const since = subscriber.receiver.received.slice(received).map(({ event }) => JSON.stringify(event))
        expect(since.filter((text) => text.includes('user.') && text.includes(bob.displayName)).length).toBeGreaterThan(
          1,
        )
        expect(since.filter((text) => text.includes('user.updated') && text.includes('"email":null'))).toHaveLength(1)
      },
      { timeout: 10_000 },
    )
    const since = subscriber.receiver.received.slice(received).map(({ body }) => body)
    const told = subscriber.receiver.received.filter(({ event }) => event.type === 'user.forgotten')
    expect(told.map(({ event }) => event.data)).toMatchObject([{ reference: 'DSR-7' }])
    expect(foundIn(since.join(), textsOf(jane))).toStrictEqual([])
  }, 40_000)

  it('stands in no table any more, and others stand where they stood', async () => {
    expect(await columnsWith(db, textsOf(jane))).toStrictEqual({})
    expect(Object.keys(await columnsWith(db, textsOf(bob))).sort()).toStrictEqual(meant)
    expect(foundIn(await rawLog())).toStrictEqual([])
    expect(await bobNow()).toStrictEqual(bobBefore)
  })

  it('leaves a log that verifies, and tables that a rebuild makes the same', async () => {
    expect(await differences()).toStrictEqual([])
    const verified = await cli('audit', 'verify', '--json')
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, findings_total: 0 })
    expect(verified.exitCode).toBe(0)
  })

  it('may be forgotten while a webhook tells of them: what the endpoint answers then is not kept', async () => {
    const id = String((await userOf(bob)).body.global_user_id)
    subscriber.receiver.behave(async (response, _, { body }) => {
      await destroyKey(db, id)
      const context = stack.adminContext()
      await stack.bus.handle(user, id, { kind: 'forget', reference: null, at: context.at }, context)
      await vi.waitFor(async () => expect((await userOf(bob)).body.email).toBeNull(), { timeout: 10_000 })
      response.writeHead(200).end(body)
    })
    const displayName = `${bob.displayName} again`
    await call('POST', '/users', { external_id: bob.external, display_name: displayName })
    const last = async () => (await subscriber.attempts()).findLast(({ event_type }) => event_type === 'user.updated')
    await vi.waitFor(async () => expect(await last()).toMatchObject({ status: 'delivered' }), {
      timeout: 10_000,
      interval: 100,
    })
    expect(await last()).toMatchObject({ response_status: 200, response_body_excerpt: null })
    expect(subscriber.receiver.received.some(({ body }) => body.includes(displayName))).toBe(true)
    expect(await columnsWith(db, textsOf(bob))).toStrictEqual({})
    expect(await differences()).toStrictEqual([])
  }, 40_000)
})
