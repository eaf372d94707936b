/**
 * `opslog admin forget-user` as a program of its own: how it ends, killed at either step, and what an auditor and an
 * operator of the system see of keys that are gone, lost, back again, or of text that was meddled with.
 */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { globalUserIdOf } from '../../src/commands/noctant/user.ts'
import { chained } from '../../src/events/chain.ts'
import { createDatabase, type ReadModels } from '../../src/projections/database.ts'
import { runCli } from '../support/cli.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { startSecond } from '../support/second-instance.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack, type TestOperator } from '../support/stack.ts'

let stack: Stack
let acme: TestOperator
let db: ReadModels
const elsewhere = temporaryDirectory()
const SECRETS_KEY = Buffer.alloc(32, 5).toString('base64')

beforeAll(async () => {
  stack = await startStack({ stream: 'in-process', environment: { SECRETS_KEY } })
  acme = await stack.addOperator()
  db = createDatabase({ url: stack.databaseUrl, poolMax: 2 })
}, 60_000)
afterAll(async () => {
  await db.destroy()
  await stack.close()
  elsewhere.remove()
})

const services = () => ({ EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl })
const opslog = (args: string[], more: Record<string, string> = {}) =>
  runCli(args, { ...services(), DATA_DIR: elsewhere.path, SECRETS_KEY, ...more })
const forget = (args: string[], more: Record<string, string> = {}) => opslog(['admin', 'forget-user', ...args], more)

async function get(path: string) {
  const answer = await fetch(`${stack.url}${path}`, { headers: { authorization: `Bearer ${acme.apiKey}` } })
  return { status: answer.status, body: (await answer.json()) as Record<string, never> }
}
const emailOf = async (id: string): Promise<unknown> => (await get(`/noctant/v1/users/${id}`)).body.email
const within10s = { timeout: 10_000, interval: 50 }

/** A user with an e-mail address, in the log, in the vault and in the read models. */
async function newUser() {
  const external = `user-${randomUUID()}`
  const email = `${external}@example.com`
  const answer = await fetch(`${stack.url}/noctant/v1/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${acme.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ external_id: external, email }),
  })
  expect(answer.status).toBe(201)
  const id = globalUserIdOf(acme.operatorId, external)
  await vi.waitFor(async () => expect(await emailOf(id)).toBe(email), within10s)
  return { id, external, email, stream: `noctant.user-${id}` }
}
const typesOf = async (stream: string) =>
  (await Array.fromAsync(stack.store.readStream(stream))).map(({ type }) => type)
const keyRow = async (id: string) =>
  (await sql<{ wrapped_key: Buffer | null }>`SELECT * FROM vault.personal_keys WHERE person_id = ${id}`.execute(db))
    .rows[0]
const findingsOf = async (stream: string) => {
  const { exitCode, stdout } = await opslog(['audit', 'verify', '--stream', stream, '--json'])
  const { findings, personal_checked } = JSON.parse(stdout)
  expect(personal_checked).toBe(true)
  return { exitCode, findings: findings.map(({ kind, detail }: Record<string, string>) => `${kind}: ${detail}`) }
}

/** An event as somebody appends it who knows how chains are made, and has no keys. */
async function appendRaw(stream: string, type: string, data: Record<string, unknown>, id = randomUUID() as string) {
  const client = EventStoreDBClient.connectionString(stack.eventStoreUrl)
  const actor = { kind: 'operator', id: acme.operatorId } as const
  const link = chained(
    '',
    { type, data },
    { $correlationId: id, $causationId: id, actor, commandId: id },
    { id, stream, revision: 0n },
  )
  const metadata = new TextEncoder().encode(link.metadata)
  await client.appendToStream(stream, jsonEvent({ id, type, data: data as never, metadata }), {
    expectedRevision: NO_STREAM,
  })
  await client.dispose()
}
async function storedData(stream: string): Promise<Record<string, unknown>> {
  const client = EventStoreDBClient.connectionString(stack.eventStoreUrl)
  for await (const { event } of client.readStream(stream, { maxCount: 1 })) {
    await client.dispose()
    return event!.data as Record<string, unknown>
  }
  throw new Error(`${stream} is empty`)
}

describe('forget-user', () => {
  it('destroys the key, records who did it and why, and says the same when it is run again', async () => {
    const { id, external, stream } = await newUser()
    const done = await forget([
      '--operator',
      acme.operatorId,
      '--external-id',
      external,
      '--reference',
      'DSR-9',
      '--yes',
    ])
    expect(done).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining(`Forgot ${external}`) })
    expect(await keyRow(id)).toMatchObject({ wrapped_key: null, destroyed_at: expect.any(String) })
    expect(await stack.store.readLast(stream)).toMatchObject({
      type: 'noctant.UserForgotten.v1',
      data: { globalUserId: id, operatorId: acme.operatorId, reference: 'DSR-9' },
      metadata: { actor: { kind: 'admin' } },
    })
    await vi.waitFor(async () => expect(await emailOf(id)).toBeNull(), within10s)
    const again = await forget([id.toUpperCase(), '--yes', '--json'])
    expect(JSON.parse(again.stdout)).toMatchObject({
      global_user_id: id,
      changed: false,
      key_destroyed: false,
      events: [],
    })
    expect(await typesOf(stream)).toStrictEqual(['noctant.UserProvisioned.v1', 'noctant.UserForgotten.v1'])
  })

  it('does not take the key that seals keys', async () => {
    const { id } = await newUser()
    const { exitCode } = await forget([id, '--yes'], { SECRETS_KEY: '' })
    expect([exitCode, (await keyRow(id))?.wrapped_key]).toStrictEqual([0, null])
  })

  it.each([
    { at: 'command.before-append', left: ['noctant.UserProvisioned.v1'], changed: true },
    {
      at: 'command.after-append',
      left: ['noctant.UserProvisioned.v1', 'noctant.UserForgotten.v1'],
      changed: false,
    },
  ])('killed at $at is finished by running it again', async ({ at, left, changed }) => {
    const { id, stream } = await newUser()
    const file = join(elsewhere.path, `order-${id}`)
    writeFileSync(file, JSON.stringify({ at, about: stream, do: 'kill' }))
    const killed = await forget([id, '--yes'], { CRASH_POINT_FILE: file })
    expect(killed).toMatchObject({ exitCode: null, stdout: '' })
    expect((await keyRow(id))?.wrapped_key).toBeNull()
    expect(await typesOf(stream)).toStrictEqual(left)
    const { findings } = JSON.parse((await opslog(['audit', 'verify', '--json'])).stdout)
    const unrecorded = findings.filter(({ detail }: { detail: string }) => detail.includes(`${id} is destroyed`))
    expect(unrecorded).toHaveLength(changed ? 1 : 0)
    const again = await forget([id, '--yes', '--json'])
    expect(JSON.parse(again.stdout)).toMatchObject({ changed, key_destroyed: false })
    expect(await typesOf(stream)).toStrictEqual(['noctant.UserProvisioned.v1', 'noctant.UserForgotten.v1'])
    await vi.waitFor(async () => expect(await emailOf(id)).toBeNull(), within10s)
    expect(await findingsOf(stream)).toStrictEqual({ exitCode: 0, findings: [] })
  })

  it('leaves a rebuild to need the instance’s key, which says so', async () => {
    const refused = await opslog(['projections', 'verify', 'noctant.user'], { SECRETS_KEY: '' })
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('set SECRETS_KEY') })
    expect((await opslog(['projections', 'verify', 'noctant.user'])).exitCode).toBe(0)
  }, 30_000)

  it('ends with a code for whoever does not exist, wrong usage, and services that are away', async () => {
    const { id, external } = await newUser()
    const operator = acme.operatorId
    expect(await forget([randomUUID(), '--yes'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no such user'),
    })
    for (const args of [
      [],
      ['--operator', operator],
      ['--external-id', external],
      [id, '--operator', operator, '--external-id', external],
      ['somebody'],
      [id, '--json'],
      [id],
    ]) {
      expect((await forget(args)).exitCode, args.join(' ')).toBe(2)
    }
    expect(await forget([id])).toMatchObject({ stderr: expect.stringMatching(/nobody to ask.*cannot be undone/s) })
    expect((await keyRow(id))?.wrapped_key).not.toBeNull()
    const away = await forget([id, '--yes'], {
      EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false',
      EVENTSTORE_DEADLINE_MS: '500',
    })
    expect(away.exitCode).toBe(3)
    expect((await forget(['--help'])).stdout).toMatch(/Examples:.*--reference.*Exit codes:/s)
  }, 30_000)

  it('redacts what was recorded in plain text before there were keys, and says that the log still holds it', async () => {
    const external = `older-${randomUUID()}`
    const id = globalUserIdOf(acme.operatorId, external)
    const plain = { globalUserId: id, operatorId: acme.operatorId, email: 'older@example.com', displayName: null }
    const occurredAt = new Date().toISOString()
    const data = { ...plain, orgId: acme.orgId, externalId: external, occurredAt }
    await appendRaw(`noctant.user-${id}`, 'noctant.UserProvisioned.v1', data)
    await vi.waitFor(async () => expect(await emailOf(id)).toBe('older@example.com'), within10s)
    expect(await forget([id, '--yes'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/1 of the user's events/),
    })
    await vi.waitFor(async () => expect(await emailOf(id)).toBeNull(), within10s)
    const [read] = await Array.fromAsync(stack.store.readStream(`noctant.user-${id}`))
    expect(read?.data).toMatchObject({ email: null })
  })
})

describe('an auditor', () => {
  it('reads personal fields, that they were forgotten, or that they are sealed', async () => {
    const { id, external, email } = await newUser()
    const history = async (more: Record<string, string> = {}) =>
      (await opslog(['audit', 'history', external, '--json'], more)).stdout
    expect(await history()).toContain(email)
    const sealed = await history({ SECRETS_KEY: '' })
    expect([sealed.includes('[sealed]'), sealed.includes(email)]).toStrictEqual([true, false])
    await forget([id, '--reference', 'DSR-10', '--yes'])
    const forgotten = await history()
    expect(forgotten).toContain('"email": "[forgotten]"')
    expect(forgotten).toContain('The person was forgotten (DSR-10): their key is destroyed.')
    expect(forgotten).not.toContain(email)
  })

  it('finds a key that is back after it was destroyed, which forgetting again destroys', async () => {
    const { id, stream } = await newUser()
    const backup = await keyRow(id)
    await forget([id, '--yes'])
    await sql`UPDATE vault.personal_keys SET wrapped_key = ${backup!.wrapped_key}, destroyed_at = NULL
      WHERE person_id = ${id}`.execute(db)
    expect(await findingsOf(stream)).toStrictEqual({
      exitCode: 1,
      findings: [expect.stringMatching(/personal: .*the key is there/)],
    })
    expect(JSON.parse((await forget([id, '--yes', '--json'])).stdout)).toMatchObject({
      changed: false,
      key_destroyed: true,
    })
    expect(await findingsOf(stream)).toStrictEqual({ exitCode: 0, findings: [] })
  })

  it('finds text that was taken from one event to another, which is poison and not nothing', async () => {
    const victim = await newUser()
    const data = await storedData(victim.stream)
    const external = `thief-${randomUUID()}`
    const stream = `noctant.user-${globalUserIdOf(acme.operatorId, external)}`
    await appendRaw(stream, 'noctant.UserProvisioned.v1', { ...data, externalId: external })
    expect(await findingsOf(stream)).toStrictEqual({
      exitCode: 1,
      findings: [expect.stringMatching(/personal: .*email was altered/)],
    })
    const parked = () =>
      sql<{ fault: string }>`SELECT fault FROM opslog_parked_events WHERE stream = ${stream}`.execute(db)
    await vi.waitFor(async () => expect((await parked()).rows[0]?.fault).toMatch(/email was altered/), within10s)
  })
})

describe('an API whose way to Postgres is cut', () => {
  it('refuses what needs a person’s key before anything is written, and goes on with the rest', async () => {
    const { external } = await newUser()
    const proxy = await startFaultProxy(stack.databaseUrl)
    const environment = { SECRETS_KEY, READ_YOUR_WRITES_WAIT_MS: '0', DATABASE_CONNECT_TIMEOUT_MS: '500' }
    const second = await startSecond(stack, environment, proxy.url)
    const provision = async (external_id: string, email?: string) => {
      const answer = await fetch(`${second.url}/noctant/v1/users`, {
        method: 'POST',
        headers: { authorization: `Bearer ${acme.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ external_id, ...(email === undefined ? {} : { email }) }),
      })
      return { status: answer.status, body: (await answer.json()) as Record<string, never> }
    }
    try {
      proxy.cut()
      const stranger = randomUUID()
      const refused = { status: 503, body: { code: 'dependency_unavailable' } }
      expect(await provision(stranger, 'new@example.com')).toMatchObject(refused)
      // What is known of this user is sealed.
      expect(await provision(external, 'other@example.com')).toMatchObject(refused)
      const stream = `noctant.user-${globalUserIdOf(acme.operatorId, stranger)}`
      expect(await typesOf(stream)).toStrictEqual([])
      expect(await provision(stranger)).toMatchObject({ status: 201, body: { email: null } })
      proxy.mend()
      await vi.waitFor(async () => expect((await provision(stranger, 'new@example.com')).status).toBe(200), within10s)
    } finally {
      await second.close()
      await proxy.close()
    }
  }, 30_000)
})

describe('a vault that was not restored with the log', () => {
  it('gives redacted values, and says so in the log, to readiness, as a figure and to auditors', async () => {
    const { id, external, stream } = await newUser()
    await sql`DELETE FROM vault.personal_keys WHERE person_id = ${id}`.execute(db)
    // The instance has the key in memory; this program does not.
    expect(await findingsOf(stream)).toStrictEqual({
      exitCode: 1,
      findings: [expect.stringMatching(/personal: the key of .* is missing/)],
    })
    const history = await opslog(['audit', 'history', external, '--json'])
    expect([
      history.stdout.includes('[key missing]'),
      /the key of a person is missing/.test(history.stderr),
    ]).toStrictEqual([true, true])

    const second = await startSecond(stack, { SECRETS_KEY })
    const readiness = async () => (await (await fetch(`${second.url}/readyz`)).json()) as Record<string, never>
    try {
      expect(await readiness()).toMatchObject({ dependencies: { person_keys: { up: true, missing: 0 } } })
      for (let round = 0; round < 2; round++) {
        const answer = await fetch(`${second.url}/noctant/v1/users`, {
          method: 'POST',
          headers: { authorization: `Bearer ${acme.apiKey}`, 'content-type': 'application/json' },
          body: JSON.stringify({ external_id: external }),
        })
        expect([answer.status, await answer.json()]).toMatchObject([200, { email: null }])
      }
      expect(await readiness()).toMatchObject({
        status: 'degraded',
        dependencies: { person_keys: { up: false, missing: 1 } },
      })
      expect(await (await fetch(`${second.url}/metrics`)).text()).toMatch(/^opslog_person_keys_missing(\{.*\})? 1$/m)
      expect(second.errors.filter((line) => line.includes('the key of a person is missing'))).toHaveLength(1)
    } finally {
      await second.close()
    }
  }, 60_000)
})
