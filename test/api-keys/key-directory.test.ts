/** The directory of keys without a database: what events do to it, for a kind of key that is its stream's own. */
import { expect, it } from 'vitest'
import { createAuditorDirectory } from '../../src/projections/audit/auditors.ts'
import { createCredentialDirectory } from '../../src/projections/noctant/credentials.ts'
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

it('forgets a key that was revoked, and knows it no more after a second event of it', () => {
  const { directory, record, keyId } = issuedIn()
  expect(directory.find(keyId)?.revoked_at).toBeNull()
  for (let twice = 0; twice < 2; twice++) directory.apply([record(example('audit.AuditorKeyRevoked.v1'))])
  expect(directory.find(keyId)).toBeUndefined()
})

it('forgets a key whose time has come, though no event says so', () => {
  const { record } = createRecorder()
  const { keyId, validUntil } = example('noctant.ApiKeyRotated.v1').data
  const endsMs = Date.parse(validUntil)
  let now = endsMs - 120_000
  const directory = createCredentialDirectory(() => now)
  directory.apply([record(example('noctant.OperatorCreated.v1')), record(example('noctant.ApiKeyIssued.v1'))])
  directory.apply([record(example('noctant.ApiKeyRotated.v1'))])
  expect(directory.find(keyId)?.key.valid_until).toBe(validUntil)
  now = endsMs
  directory.apply([])
  expect(directory.find(keyId)).toBeUndefined()
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
