import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CommandKey, commandIdOf, deterministicId, eventId, fingerprintOf } from '../../src/commands/identity.ts'

/** UUIDv5 by the letter of RFC 9562, section 5.5, independent of the library. */
function uuidV5(namespace: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
const NAMESPACE = '8a8e0c1e-6a53-5d0c-9d6e-5f6f70736c67'

describe('deterministic ids', () => {
  it('are UUIDv5 of the JSON list in the namespace of the project', () => {
    const lists = [[''], ['sample.room', 'a', 'b'], ['é', '\u0000', '"'], []]
    for (const list of lists) expect(deterministicId(...list)).toBe(uuidV5(NAMESPACE, JSON.stringify(list)))
  })

  it('differ wherever their parts differ, also where the parts run together to the same text', () => {
    const parts = fc.array(fc.string(), { maxLength: 4 })
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(deterministicId(...a) === deterministicId(...b)).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
    )
    expect(deterministicId('ab', 'c')).not.toBe(deterministicId('a', 'bc'))
  })
})

const key: CommandKey = {
  context: 'sample',
  operatorId: 'operator',
  environment: 'sandbox',
  action: 'closeAllPositions',
  scope: 'account',
  key: 'key',
}

describe('command ids', () => {
  it('differ by every part of the key', () => {
    const names = Object.keys(key) as (keyof CommandKey)[]
    const ids = [commandIdOf(key), ...names.map((name) => commandIdOf({ ...key, [name]: 'other' }))]
    expect(new Set(ids).size).toBe(names.length + 1)
  })
})

describe('event ids', () => {
  it('differ by command, execution and index', () => {
    const ids = [eventId('c', 'e', 0), eventId('c', 'e', 1), eventId('c', 'f', 0), eventId('d', 'e', 0)]
    expect(new Set(ids).size).toBe(4)
  })
})

describe('fingerprints', () => {
  /** The same value with the members of every object in the opposite order. */
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (value === null || typeof value !== 'object') return value
    const members = Object.entries(value).reverse()
    return Object.fromEntries(members.map(([name, member]) => [name, reversed(member)]))
  }

  it('do not depend on the order of members, at any depth', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(fingerprintOf(reversed(value))).toBe(fingerprintOf(value))
      }),
    )
  })

  it('take a member that is undefined for one that is absent, and null for itself', () => {
    expect(fingerprintOf({ a: 1, b: undefined })).toBe(fingerprintOf({ a: 1 }))
    expect(fingerprintOf({ a: 1, b: null })).not.toBe(fingerprintOf({ a: 1 }))
  })

  it('depend on the order of lists, on types and on every byte of text', () => {
    const values = [[1, 2], [2, 1], ['1', 2], [12], { 1: 2 }, 'é', 'e\u0301', '', null, false, 0, [], {}, [[]]]
    expect(new Set(values.map(fingerprintOf)).size).toBe(values.length)
  })
})
