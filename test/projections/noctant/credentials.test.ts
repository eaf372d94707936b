import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createCredentialDirectory } from '../../../src/projections/noctant/credentials.ts'
import { createRecorder, example, ids } from '../../support/examples.ts'
import { type Prepared, prepared } from '../support.ts'
import { empty, writerOn } from './tables.ts'

let database: Prepared
beforeAll(async () => {
  database = await prepared()
})
afterAll(() => database.drop())
beforeEach(() => empty(database.db))

const start = () => {
  const { record, poison } = createRecorder()
  return {
    poison,
    record,
    created: record(example('noctant.OperatorCreated.v1')),
    issued: record(example('noctant.ApiKeyIssued.v1')),
  }
}

test('the directory loads what the read models hold and says from where to follow the log', async () => {
  const { created, issued } = start()
  await writerOn(database.db).write([created, issued])
  const directory = createCredentialDirectory()
  expect(await directory.load(database.db)).toBe(issued.position)
  expect(directory.find('key1')).toMatchObject({
    tenant: { operator_id: ids.operator, status: 'active', rate_limit_tier: 'standard' },
    key: { key_id: 'key1', key_hash: 'ab'.repeat(32), revoked_at: null, valid_until: null },
  })
  expect(directory.find('key2')).toBeUndefined()
})

test('an empty database is followed from the start of the log, and events alone fill the directory', async () => {
  const { created, issued } = start()
  const directory = createCredentialDirectory()
  expect(await directory.load(database.db)).toBeUndefined()
  directory.apply([created, issued])
  expect(directory.find('key1')?.tenant.name).toBe('Example Prop')
})

test('suspension, resumption and revocation bite with their event', () => {
  const { created, issued, record } = start()
  const directory = createCredentialDirectory()
  directory.apply([created, issued, record(example('noctant.OperatorSuspended.v1'))])
  expect(directory.find('key1')?.tenant.status).toBe('suspended')
  directory.apply([record(example('noctant.OperatorResumed.v1'))])
  expect(directory.find('key1')?.tenant.status).toBe('active')
  directory.apply([record(example('noctant.ApiKeyRevoked.v1'))])
  expect(directory.find('key1')).toBeUndefined()
})

test('events that were loaded already change nothing', async () => {
  const { created, issued, record } = start()
  const revoked = record(example('noctant.ApiKeyRevoked.v1'))
  await writerOn(database.db).write([created, issued, revoked])
  const directory = createCredentialDirectory()
  await directory.load(database.db)
  const before = directory.find('key1')
  directory.apply([created, issued, revoked])
  expect(directory.find('key1')).toEqual(before)
})

test('an operator with an event that cannot be read is locked out, for it may have been a suspension', () => {
  const { created, issued, poison } = start()
  const directory = createCredentialDirectory()
  directory.apply([created, issued, poison('noctant.OperatorSuspended.v2', created.stream)])
  expect(directory.find('key1')).toBeUndefined()
})

test('loading again replaces what was there', async () => {
  const { created, issued } = start()
  const directory = createCredentialDirectory()
  directory.apply([created, issued])
  await directory.load(database.db)
  expect(directory.find('key1')).toBeUndefined()
})
