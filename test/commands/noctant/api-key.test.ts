import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { generateApiKey, hashApiKey, parseApiKey } from '../../../src/commands/noctant/api-key.ts'

const counting = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, n) => n))

describe('an API key', () => {
  it('says its environment and its id, and nothing of its secret but a hash is stored', () => {
    const { key, keyId, keyHash } = generateApiKey('staging')
    expect(key).toMatch(/^nct_staging_[0-9A-Za-z]{17}_[0-9A-Za-z]{49}$/)
    expect(parseApiKey(key)).toStrictEqual({ environment: 'staging', keyId })
    expect(keyHash).toBe(createHash('sha256').update(key).digest('hex'))
    expect(hashApiKey(key)).toBe(keyHash)
  })

  it('is pinned: the same randomness gives the same text, in this release and the next', () => {
    expect(generateApiKey('sandbox', counting).key).toBe(
      'nct_sandbox_00065eoDiDgza8qaZ_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf03tbKD',
    )
  })

  it('has its full length whatever the randomness', () => {
    const lowest = generateApiKey('sandbox', (bytes) => Buffer.alloc(bytes, 0)).key
    const highest = generateApiKey('sandbox', (bytes) => Buffer.alloc(bytes, 255)).key
    expect([parseApiKey(lowest), parseApiKey(highest)].map((parsed) => parsed?.environment)).toStrictEqual([
      'sandbox',
      'sandbox',
    ])
  })

  it('is another one each time', () => {
    const keys = Array.from({ length: 1_000 }, () => generateApiKey('sandbox'))
    expect(new Set(keys.map(({ key }) => key)).size).toBe(1_000)
    expect(new Set(keys.map(({ keyId }) => keyId)).size).toBe(1_000)
  })

  it('with any one character changed, left out or doubled is no key', () => {
    const { key } = generateApiKey('sandbox', counting)
    for (let n = 0; n < key.length; n++) {
      const other = key[n] === 'x' ? 'y' : 'x'
      expect(parseApiKey(key.slice(0, n) + other + key.slice(n + 1)), `character ${n}`).toBeUndefined()
      expect(parseApiKey(key.slice(0, n) + key.slice(n + 1)), `without character ${n}`).toBeUndefined()
      expect(parseApiKey(key.slice(0, n) + key[n] + key.slice(n)), `twice character ${n}`).toBeUndefined()
    }
  })
})
