import { expect, it } from 'vitest'
import { createKeyProof } from '../../src/api-keys/key-proof.ts'
import { generateKey, hashKey, parseKey } from '../../src/api-keys/key-text.ts'

/** A key, and a proof that finds under its id what `kept` holds at the time. */
function ground() {
  const { key, keyId, keyHash } = generateKey('nct_sandbox')
  const kept = new Map([[keyId, { keyHash }]])
  const proven = createKeyProof<{ keyHash: string }>({
    idOf: (text) => parseKey(text)?.keyId,
    find: (id) => kept.get(id),
    hashOf: (found) => found.keyHash,
  })
  return { key, keyId, kept, proven }
}

it('a key finds what is kept of it, the first time and again', () => {
  const { key, keyId, kept, proven } = ground()
  expect([proven(key), proven(key)]).toEqual([kept.get(keyId), kept.get(keyId)])
})

it('a key that proved itself a moment ago finds nothing once another hash is kept, or none', () => {
  const { key, keyId, kept, proven } = ground()
  expect(proven(key)).toBeDefined()
  kept.set(keyId, { keyHash: hashKey('another') })
  expect(proven(key)).toBeUndefined()
  kept.delete(keyId)
  expect(proven(key)).toBeUndefined()
})

it('what is found is what is kept now, not what was kept when the key proved itself', () => {
  const { key, keyId, kept, proven } = ground()
  const before = proven(key)!
  kept.set(keyId, { ...before })
  expect(proven(key)).toBe(kept.get(keyId))
})

it('no other text finds it, however alike, whether or not the key did', () => {
  const { key, keyId, kept, proven } = ground()
  const guess = generateKey('nct_sandbox').key.replace(/_[0-9A-Za-z]{17}_/, `_${keyId}_`)
  const mistyped = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`
  const careless = createKeyProof<{ keyHash: string }>({
    idOf: () => keyId,
    find: (id) => kept.get(id),
    hashOf: (found) => found.keyHash,
  })
  for (const proof of [proven, careless]) {
    expect([proof(guess), proof(mistyped)]).toEqual([undefined, undefined])
    expect(proof(key)).toBeDefined()
    expect([proof(guess), proof(mistyped)]).toEqual([undefined, undefined])
  }
})

it('a text in another form finds the key whose hash is over the form, and no other text does', () => {
  const { key, keyId, kept } = ground()
  const proven = createKeyProof<{ keyHash: string }>({
    formOf: (text) => (text.startsWith('plain ') ? text.slice('plain '.length) : undefined),
    idOf: (form) => parseKey(form)?.keyId,
    find: (id) => kept.get(id),
    hashOf: (found) => found.keyHash,
  })
  for (const _ of [1, 2]) {
    expect(proven(`plain ${key}`)).toBe(kept.get(keyId))
    expect([proven(key), proven(`other ${key}`), proven('plain ')]).toEqual([undefined, undefined, undefined])
  }
  kept.set(keyId, { keyHash: hashKey('another') })
  expect(proven(`plain ${key}`)).toBeUndefined()
})
