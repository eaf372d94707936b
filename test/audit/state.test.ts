/** A state as auditors see it. */
import { expect, test } from 'vitest'
import { changesBetween, leaves, plain } from '../../src/audit/state.ts'

const state = {
  seats: new Map([['sub_1', { phase: 'claimed', expiresAt: null }]]),
  tokens: new Set(['a', 'b']),
  balance: 9_007_199_254_740_993n,
  hashes: { count: 2, halves: new Uint32Array(16_384) },
  none: {},
}

test('a state is shown as JSON: maps, sets, large numbers; and of bytes how many there are', () => {
  const shown = plain(state)
  expect(shown).toStrictEqual({
    seats: { sub_1: { phase: 'claimed', expiresAt: null } },
    tokens: ['a', 'b'],
    balance: '9007199254740993',
    hashes: { count: 2, halves: '65536 bytes' },
    none: {},
  })
  expect(JSON.parse(JSON.stringify(shown))).toStrictEqual(shown)
})

test('each value has a line, and bytes have one', () => {
  expect(Object.fromEntries(leaves(state))).toStrictEqual({
    ...{ 'seats.sub_1.phase': '"claimed"', 'seats.sub_1.expiresAt': 'null', 'tokens.0': '"a"', 'tokens.1': '"b"' },
    ...{ balance: '9007199254740993', 'hashes.count': '2', 'hashes.halves': '"65536 bytes"', none: '{}' },
  })
})

test('what differs between two moments is named with both of its values', () => {
  const at = (value: unknown) => [{ stream: 'a-1', revision: 1n, lastEventAt: '', state: value }]
  const later = { ...state, balance: 1n, hashes: { count: 3, halves: new Uint32Array(16_384) } }
  expect(changesBetween(at(state), at(later))).toStrictEqual([
    { stream: 'a-1', path: 'balance', before: '9007199254740993', after: '1' },
    { stream: 'a-1', path: 'hashes.count', before: '2', after: '3' },
  ])
})
