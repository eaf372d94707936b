import { expect, it } from 'vitest'
import { generateKey, hashKey } from '../../src/commands/key-text.ts'
import { createKeyProof } from '../../src/http/key-proof.ts'

it('a key proves the hash that is kept of it, the first time and again', () => {
  const provesKey = createKeyProof()
  const { key, keyHash } = generateKey('nct_sandbox')
  expect([provesKey(key, keyHash), provesKey(key, keyHash)]).toEqual([true, true])
})

it('a key that proved itself a moment ago proves nothing once another hash is kept, or none', () => {
  const provesKey = createKeyProof()
  const { key, keyHash } = generateKey('nct_sandbox')
  expect(provesKey(key, keyHash)).toBe(true)
  expect(provesKey(key, hashKey('another'))).toBe(false)
  expect(provesKey(key, undefined)).toBe(false)
})

it('no other text proves it, however alike, whether or not the key did', () => {
  const provesKey = createKeyProof()
  const { key, keyHash } = generateKey('nct_sandbox')
  const guess = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`
  expect(provesKey(guess, keyHash)).toBe(false)
  expect(provesKey(key, keyHash)).toBe(true)
  expect(provesKey(guess, keyHash)).toBe(false)
})
