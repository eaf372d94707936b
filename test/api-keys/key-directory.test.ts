/** The directory of keys without a database: what events do to it, for a kind of key that is its stream's own. */
import { expect, it } from 'vitest'
import { createAuditorDirectory } from '../../src/projections/audit/auditors.ts'
import { createRecorder, example } from '../support/examples.ts'

const issuedIn = () => {
  const { record, poison } = createRecorder()
  const issued = record(example('audit.AuditorKeyIssued.v1'))
  const directory = createAuditorDirectory()
  directory.apply([issued])
  return { directory, issued, record, poison, keyId: issued.data.keyId }
}

it('follows the events of its projections in every version', () => {
  expect(issuedIn().directory.types).toStrictEqual(['audit.AuditorKeyIssued.v', 'audit.AuditorKeyRevoked.v'])
})

it('finds a revoked key too, for the caller to judge', () => {
  const { directory, record, keyId } = issuedIn()
  expect(directory.find(keyId)?.revoked_at).toBeNull()
  const revoked = record(example('audit.AuditorKeyRevoked.v1'))
  directory.apply([revoked])
  expect(directory.find(keyId)?.revoked_at).toBe(revoked.data.occurredAt)
})

it('no longer knows a key whose stream holds an event that cannot be read', () => {
  const { directory, issued, poison, keyId } = issuedIn()
  directory.apply([poison('audit.AuditorKeyRevoked.v2', issued.stream)])
  expect(directory.find(keyId)).toBeUndefined()
})

it('passes over streams of another category', () => {
  const { directory, poison, keyId } = issuedIn()
  directory.apply([poison('audit.AuditorKeyRevoked.v2', `audit.other-${keyId}`)])
  expect(directory.find(keyId)).toBeDefined()
})
