/** The directory of keys without a database: what events do to it, for a kind of key that is its stream's own. */
import { expect, it } from 'vitest'
import { createKeyDirectory, hasPassed } from '../../src/api-keys/key-directory.ts'
import { text, time } from '../../src/projections/columns.ts'
import { defineProjection, defineTable, patch, upsert } from '../../src/projections/projection.ts'
import { createRecorder, timeAt } from '../support/examples.ts'

type PassEvent =
  | { type: 'sample.PassIssued.v1'; data: { passId: string } }
  | { type: 'sample.PassRevoked.v1'; data: { passId: string } }
  | { type: 'sample.PassReplaced.v1'; data: { passId: string; validUntil: string } }

const passes = defineTable({
  name: 'sample_passes',
  key: ['pass_id'],
  columns: { pass_id: text, revoked_at: time.orNull, valid_until: time.orNull },
})
const passProjection = defineProjection<PassEvent>({
  ...{ name: 'sample.pass', version: 1, onPoison: 'park', tables: [passes] },
  handlers: {
    'sample.PassIssued.v1': ({ data }) => [
      upsert(passes, { pass_id: data.passId, revoked_at: null, valid_until: null }),
    ],
    'sample.PassRevoked.v1': ({ data }) => [patch(passes, { pass_id: data.passId }, { revoked_at: timeAt(9) })],
    'sample.PassReplaced.v1': ({ data }) => [patch(passes, { pass_id: data.passId }, { valid_until: data.validUntil })],
  },
})

const passId = 'pass-1'
const stream = `sample.pass-${passId}`
const issuedIn = (nowMs = Date.now) => {
  const { record, poison } = createRecorder()
  const directory = createKeyDirectory({
    ...{ context: 'sample', nowMs },
    streams: { 'sample.pass': passes },
    projections: [passProjection],
    keys: { table: passes, textId: 'pass_id' },
    entryOf: (key) => key,
    hasEnded: ({ revoked_at, valid_until }, now) => revoked_at !== null || hasPassed(valid_until, now),
  })
  const apply = (type: PassEvent['type'], more: object = {}) =>
    directory.apply([record({ type, data: { passId, ...more } }, stream)])
  apply('sample.PassIssued.v1')
  return { directory, apply, poison }
}

it('follows the events of its projections in every version', () => {
  const types = ['sample.PassIssued.v', 'sample.PassRevoked.v', 'sample.PassReplaced.v']
  expect(issuedIn().directory.types).toStrictEqual(types)
})

it('forgets a key that was revoked, and knows it no more after a second event of it', () => {
  const { directory, apply } = issuedIn()
  expect(directory.find(passId)?.revoked_at).toBeNull()
  for (let twice = 0; twice < 2; twice++) apply('sample.PassRevoked.v1')
  expect(directory.find(passId)).toBeUndefined()
})

it('forgets a key whose time has come, though no event says so', () => {
  const validUntil = timeAt(306)
  const endsMs = Date.parse(validUntil)
  let now = endsMs - 120_000
  const { directory, apply } = issuedIn(() => now)
  apply('sample.PassReplaced.v1', { validUntil })
  expect(directory.find(passId)?.valid_until).toBe(validUntil)
  now = endsMs
  directory.apply([])
  expect(directory.find(passId)).toBeUndefined()
})

it('no longer knows a key whose stream holds an event that cannot be read', () => {
  const { directory, poison } = issuedIn()
  directory.apply([poison('sample.PassRevoked.v2', stream)])
  expect(directory.find(passId)).toBeUndefined()
})

it('passes over streams of another category', () => {
  const { directory, poison } = issuedIn()
  directory.apply([poison('sample.PassRevoked.v2', `sample.other-${passId}`)])
  expect(directory.find(passId)).toBeDefined()
})
