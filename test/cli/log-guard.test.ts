/** Commands that write events ask first whether the event store has the log that the database belongs to. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEventStore } from '../../src/events/store.ts'
import { runCli, spawnCli } from '../support/cli.ts'
import { registry } from '../support/contexts.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { example, streamOf, uuidOf } from '../support/examples.ts'
import { createDatabase, temporaryDirectory } from '../support/services.ts'
import { filesUnder } from '../support/source.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
let other: TestStore
const empty = temporaryDirectory()

beforeAll(async () => {
  ;[stack, other] = await Promise.all([startStack(), startTestStore()])
  const actor = { kind: 'system', id: 'test' } as const
  const cause = { $correlationId: 'c', $causationId: 'c', actor, commandId: 'c' }
  const event = example('noctant.OperatorCreated.v1')
  await other.store.append(streamOf(event), undefined, '', [{ id: crypto.randomUUID(), event, cause }])
})
afterAll(async () => {
  await Promise.all([stack.close(), other.close()])
  empty.remove()
})

const opslog = (args: readonly string[], environment: Record<string, string> = {}, run = runCli) =>
  run([...args, '--json'], {
    EVENTSTORE_URL: other.url,
    DATABASE_URL: stack.databaseUrl,
    DATA_DIR: empty.path,
    LOG_MISMATCH_PATIENCE_MS: '500',
    ...environment,
  })

describe('with the wrong event store', { timeout: 90_000 }, () => {
  it.each([
    ['admin', 'operator', 'create', '--name', 'A', '--slug', 'acme'],
    ['admin', 'key', 'issue', uuidOf('operator'), '--all-scopes'],
    ['admin', 'forget-user', uuidOf('user'), '--yes'],
    ['audit', 'seal', '--json'],
    ['projections', 'verify', '--all'],
  ])('%s %s %s is refused in a sentence, and writes nothing', async (...args) => {
    const before = await other.store.head()
    const ended = await opslog(args)
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' })
    const { error } = JSON.parse(ended.stderr.slice(ended.stderr.indexOf('{"error"')))
    expect(error.code).toBe('event_store_mismatch')
    expect(error.message).toMatch(
      /^The event store has a log without an identity, which ends at position \d+; this inst/,
    )
    expect(error.hint).toContain('opslog store adopt-log')
    expect(await other.store.head()).toEqual(before)
  })
})

describe('with the right one', { timeout: 90_000 }, () => {
  it('they write', async () => {
    const store = createEventStore({ url: stack.eventStoreUrl, registry, deadlineMs: 5_000, appendAttemptsMax: 1 })
    const create = ['admin', 'operator', 'create', '--name', 'A', '--slug', 'acme']
    const ended = await opslog(create, { EVENTSTORE_URL: stack.eventStoreUrl }, spawnCli)
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
    const operatorId = JSON.parse(ended.stdout).operator_id
    expect(await store.readLast(`noctant.operator-${operatorId}`)).toMatchObject({ type: 'noctant.OperatorCreated.v1' })
    await store.close()
  })

  it('and a database that no instance has started on, they say that one has to', async () => {
    const database = await createDatabase()
    const ended = await opslog(['admin', 'operator', 'create', '--name', 'A', '--slug', 'b'], {
      DATABASE_URL: database.url,
      EVENTSTORE_URL: stack.eventStoreUrl,
    })
    expect(ended.exitCode).toBe(3)
    expect(JSON.parse(ended.stderr).error.message).toBe('no instance has started on this database yet')
    await database.drop()
  })
})

it('no command opens the event store without the guard, but the one that adopts another log', () => {
  const opening = filesUnder('src/cli').filter(({ text }) => text.includes('createEventStore('))
  expect(opening.map(({ path }) => path)).toEqual(['src/cli/log-adoption.ts', 'src/cli/log-session.ts'])
})
