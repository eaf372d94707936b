/**
 * Keys of persons on a whole instance: what auditors and whoever runs the system see of keys that are gone, back again,
 * lost or out of reach, and of text that was meddled with.
 */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { globalUserIdOf } from '../../../src/commands/noctant/user.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { type Persons, SECRETS_KEY, startPersons, within10s } from '../../support/persons.ts'
import { startSecond } from '../../support/second-instance.ts'

let persons: Persons
beforeAll(async () => {
  persons = await startPersons()
}, 60_000)
afterAll(() => persons.close())

describe('an auditor', () => {
  it('reads personal fields, that they were forgotten, or that they are sealed', async () => {
    const { id, external, email } = await persons.newUser()
    const history = async (more: Record<string, string> = {}) =>
      (await persons.opslog(['audit', 'history', external, '--json'], more)).stdout
    expect(await history()).toContain(email)
    const sealed = await history({ SECRETS_KEY: '' })
    expect([sealed.includes('[sealed]'), sealed.includes(email)]).toStrictEqual([true, false])
    await persons.forget([id, '--reference', 'DSR-10', '--yes'])
    const forgotten = await history()
    expect(forgotten).toContain('"email": "[forgotten]"')
    expect(forgotten).toContain('The person was forgotten (DSR-10): their key is destroyed.')
    expect(forgotten).not.toContain(email)
  })

  it('finds a key that is back after it was destroyed, which forgetting again destroys', async () => {
    const { id, stream } = await persons.newUser()
    const backup = await persons.keyRow(id)
    await persons.forget([id, '--yes'])
    await sql`UPDATE vault.personal_keys SET wrapped_key = ${backup!.wrapped_key}, destroyed_at = NULL
      WHERE person_id = ${id}`.execute(persons.db)
    expect(await persons.findingsOf(stream)).toStrictEqual({
      exitCode: 1,
      findings: [expect.stringMatching(/personal: .*the key is there/)],
    })
    expect(JSON.parse((await persons.forget([id, '--yes', '--json'])).stdout)).toMatchObject({
      changed: false,
      key_destroyed: true,
    })
    expect(await persons.findingsOf(stream)).toStrictEqual({ exitCode: 0, findings: [] })
  })

  it('finds text that was taken from one event to another, which is poison and not nothing', async () => {
    const victim = await persons.newUser()
    const data = await persons.storedData(victim.stream)
    const external = `thief-${randomUUID()}`
    const stream = `noctant.user-${globalUserIdOf(persons.acme.operatorId, external)}`
    await persons.appendRaw(stream, 'noctant.UserProvisioned.v1', { ...data, externalId: external })
    expect(await persons.findingsOf(stream)).toStrictEqual({
      exitCode: 1,
      findings: [expect.stringMatching(/personal: .*email was altered/)],
    })
    await vi.waitFor(async () => expect(await faultOf(stream)).toMatch(/email was altered/), within10s)
  })
})

describe('an event of another hand that names no person’s id', () => {
  it('is parked, and holds nobody up', async () => {
    const { stream: example } = await persons.newUser()
    const data = await persons.storedData(example)
    const stream = `noctant.user-${randomUUID()}`
    await persons.appendRaw(stream, 'noctant.UserProvisioned.v1', { ...data, globalUserId: 'everybody' })
    await vi.waitFor(async () => expect(await faultOf(stream)).toMatch(/globalUserId/), within10s)
    await persons.newUser()
  })
})

/** Why a stream's event is parked. */
async function faultOf(stream: string): Promise<string | undefined> {
  const { rows } = await sql<{ fault: string }>`SELECT fault FROM opslog_parked_events
    WHERE stream = ${stream}`.execute(persons.db)
  return rows[0]?.fault
}

describe('an API whose way to Postgres is cut', () => {
  it('refuses what needs a person’s key before anything is written, and goes on with the rest', async () => {
    const { external } = await persons.newUser()
    const proxy = await startFaultProxy(persons.stack.databaseUrl)
    const environment = { SECRETS_KEY, READ_YOUR_WRITES_WAIT_MS: '0', DATABASE_CONNECT_TIMEOUT_MS: '500' }
    const second = await startSecond(persons.stack, environment, proxy.url)
    const provision = (external_id: string, email?: string) =>
      persons.provision({ external_id, ...(email === undefined ? {} : { email }) }, second.url)
    try {
      proxy.cut()
      const stranger = randomUUID()
      const refused = { status: 503, body: { code: 'dependency_unavailable' } }
      expect(await provision(stranger, 'new@example.com')).toMatchObject(refused)
      // What is known of this user is sealed.
      expect(await provision(external, 'other@example.com')).toMatchObject(refused)
      const stream = `noctant.user-${globalUserIdOf(persons.acme.operatorId, stranger)}`
      expect(await persons.typesOf(stream)).toStrictEqual([])
      expect(await provision(stranger)).toMatchObject({ status: 201, body: { email: null } })
      proxy.mend()
      await vi.waitFor(async () => expect((await provision(stranger, 'new@example.com')).status).toBe(200), within10s)
    } finally {
      await second.close()
      await proxy.close()
    }
  }, 60_000)
})

describe('a vault that was not restored with the log', () => {
  it('gives redacted values, and says so in the log, to readiness, as a figure and to auditors', async () => {
    const { id, external, stream } = await persons.newUser()
    await sql`DELETE FROM vault.personal_keys WHERE person_id = ${id}`.execute(persons.db)
    // The instance has the key in memory; this program does not.
    expect(await persons.findingsOf(stream)).toStrictEqual({
      exitCode: 1,
      findings: [expect.stringMatching(/personal: the key of .* is missing/)],
    })
    const history = await persons.opslog(['audit', 'history', external, '--json'])
    expect([
      history.stdout.includes('[key missing]'),
      /the key of a person is missing/.test(history.stderr),
    ]).toStrictEqual([true, true])

    const second = await startSecond(persons.stack, { SECRETS_KEY })
    const readiness = async () => (await (await fetch(`${second.url}/readyz`)).json()) as Record<string, never>
    try {
      expect(await readiness()).toMatchObject({ dependencies: { person_keys: { up: true, missing: 0 } } })
      for (let round = 0; round < 2; round++) {
        const answer = await persons.provision({ external_id: external }, second.url)
        expect(answer).toMatchObject({ status: 200, body: { email: null } })
      }
      const degraded = { status: 'degraded', dependencies: { person_keys: { up: false, missing: 1 } } }
      await vi.waitFor(async () => expect(await readiness()).toMatchObject(degraded), 10_000)
      expect(await (await fetch(`${second.url}/metrics`)).text()).toMatch(/^opslog_person_keys_missing(\{.*\})? 1$/m)
      expect(second.errors.filter((line) => line.includes('the key of a person is missing'))).toHaveLength(1)
    } finally {
      await second.close()
    }
  }, 60_000)
})
