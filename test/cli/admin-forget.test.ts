/**
 * `opslog admin forget-user`, as a program of its own where that matters: what it leaves behind, how it ends, and killed at either step.
 */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { globalUserIdOf } from '../../src/commands/noctant/user.ts'
import { spawnCli } from '../support/cli.ts'
import { type Persons, startPersons, within10s } from '../support/persons.ts'

let persons: Persons
beforeAll(async () => {
  persons = await startPersons()
}, 60_000)
afterAll(() => persons.close())

describe('forget-user', () => {
  it('destroys the key, records who did it and why, and says the same when it is run again', async () => {
    const { id, external, stream } = await persons.newUser()
    const named = ['--operator', persons.acme.operatorId, '--external-id', external]
    const done = await persons.forget([...named, '--reference', 'DSR-9', '--yes'], {}, spawnCli)
    expect(done).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining(`Forgot ${external}`) })
    expect(await persons.keyRow(id)).toMatchObject({ wrapped_key: null, destroyed_at: expect.any(String) })
    expect(await persons.stack.store.readLast(stream)).toMatchObject({
      type: 'noctant.UserForgotten.v1',
      data: { globalUserId: id, operatorId: persons.acme.operatorId, reference: 'DSR-9' },
      metadata: { actor: { kind: 'admin' } },
    })
    await vi.waitFor(async () => expect(await persons.emailOf(id)).toBeNull(), within10s)
    const again = await persons.forget([id.toUpperCase(), '--yes', '--json'])
    expect(JSON.parse(again.stdout)).toMatchObject({
      global_user_id: id,
      changed: false,
      key_destroyed: false,
      events: [],
    })
    expect(await persons.typesOf(stream)).toStrictEqual(['noctant.UserProvisioned.v1', 'noctant.UserForgotten.v1'])
  })

  it('says which transaction keeps the key’s bytes, and finishes when it is run again', async () => {
    const { id } = await persons.newUser()
    await persons.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (trx) => {
        const { rows } = await sql<{ pid: number; database: string }>`SELECT pg_backend_pid() AS pid,
          current_database() AS database`.execute(trx)
        const { pid, database } = rows[0]!
        const held = await persons.forget([id, '--yes'], { VAULT_SWEEP_MAX_MS: '100' })
        expect(held).toMatchObject({
          exitCode: 3,
          stdout: expect.stringMatching(
            new RegExp(
              `bytes are still in .*opslog \\(pid ${pid}, database ${database}, since 2.*run the same command again`,
            ),
          ),
        })
        const { exitCode, stdout } = await persons.forget([id, '--yes', '--json'], { VAULT_SWEEP_MAX_MS: '100' })
        const { swept, held_by: heldBy } = JSON.parse(stdout)
        expect([exitCode, swept]).toStrictEqual([3, false])
        // Others may be among them for a moment.
        expect(heldBy).toContainEqual({ pid, application: 'opslog', database, since: expect.any(String) })
      })
    const again = await persons.forget([id, '--yes', '--json'])
    expect([again.exitCode, JSON.parse(again.stdout)]).toMatchObject([0, { changed: false, swept: true }])
  })

  it('does not take the key that seals keys', async () => {
    const { id } = await persons.newUser()
    const { exitCode } = await persons.forget([id, '--yes'], { SECRETS_KEY: '' })
    expect([exitCode, (await persons.keyRow(id))?.wrapped_key]).toStrictEqual([0, null])
  })

  it.each([
    { at: 'command.before-append', left: ['noctant.UserProvisioned.v1'], changed: true },
    {
      at: 'command.after-append',
      left: ['noctant.UserProvisioned.v1', 'noctant.UserForgotten.v1'],
      changed: false,
    },
  ])('killed at $at is finished by running it again', async ({ at, left, changed }) => {
    const { id, stream } = await persons.newUser()
    const file = join(persons.directory, `order-${id}`)
    writeFileSync(file, JSON.stringify({ at, about: stream, do: 'kill' }))
    const killed = await persons.forget([id, '--yes'], { CRASH_POINT_FILE: file }, spawnCli)
    expect(killed).toMatchObject({ exitCode: null, stdout: '' })
    expect((await persons.keyRow(id))?.wrapped_key).toBeNull()
    expect(await persons.typesOf(stream)).toStrictEqual(left)
    const { findings } = JSON.parse((await persons.opslog(['audit', 'verify', '--json'])).stdout)
    const unrecorded = findings.filter(({ detail }: { detail: string }) => detail.includes(`${id} is destroyed`))
    expect(unrecorded).toHaveLength(changed ? 1 : 0)
    const again = await persons.forget([id, '--yes', '--json'])
    expect(JSON.parse(again.stdout)).toMatchObject({ changed, key_destroyed: false })
    expect(await persons.typesOf(stream)).toStrictEqual(['noctant.UserProvisioned.v1', 'noctant.UserForgotten.v1'])
    await vi.waitFor(async () => expect(await persons.emailOf(id)).toBeNull(), within10s)
    expect(await persons.findingsOf(stream)).toStrictEqual({ exitCode: 0, findings: [] })
  })

  it('leaves a rebuild to need the instance’s key, which says so', async () => {
    const refused = await persons.opslog(['projections', 'verify', 'noctant.user'], { SECRETS_KEY: '' })
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('set SECRETS_KEY') })
    expect((await persons.opslog(['projections', 'verify', 'noctant.user'])).exitCode).toBe(0)
  }, 60_000)

  it('ends with a code for whoever does not exist, wrong usage, and services that are away', async () => {
    const { id, external } = await persons.newUser()
    const operator = persons.acme.operatorId
    expect(await persons.forget([randomUUID(), '--yes'])).toMatchObject({
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
      expect((await persons.forget(args)).exitCode, args.join(' ')).toBe(2)
    }
    expect(await persons.forget([id])).toMatchObject({
      stderr: expect.stringMatching(/nobody to ask.*cannot be undone/s),
    })
    expect((await persons.keyRow(id))?.wrapped_key).not.toBeNull()
    const nowhere = { EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false', EVENTSTORE_DEADLINE_MS: '500' }
    const away = await persons.forget([id, '--yes'], nowhere, spawnCli)
    expect(away.exitCode).toBe(3)
    expect((await persons.forget(['--help'])).stdout).toMatch(/Examples:.*--reference.*Exit codes:/s)
  }, 60_000)

  it('redacts what was recorded in plain text before there were keys, and says that the log still holds it', async () => {
    const external = `older-${randomUUID()}`
    const id = globalUserIdOf(persons.acme.operatorId, external)
    const plain = {
      globalUserId: id,
      operatorId: persons.acme.operatorId,
      email: 'older@example.com',
      displayName: null,
    }
    const occurredAt = new Date().toISOString()
    const data = { ...plain, orgId: persons.acme.orgId, externalId: external, occurredAt }
    await persons.appendRaw(`noctant.user-${id}`, 'noctant.UserProvisioned.v1', data)
    await vi.waitFor(async () => expect(await persons.emailOf(id)).toBe('older@example.com'), within10s)
    expect(await persons.forget([id, '--yes'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/1 of the person's events/),
    })
    await vi.waitFor(async () => expect(await persons.emailOf(id)).toBeNull(), within10s)
    const [read] = await Array.fromAsync(persons.stack.store.readStream(`noctant.user-${id}`))
    expect(read?.data).toMatchObject({ email: null })
  })
})
