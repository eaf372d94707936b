import { expect, test } from 'vitest'
import { createSealer } from '../../src/http/cursor.ts'

const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const cipher = createSealer(() => [first])
const bound = ['key-1', 'history', { name: 'ACC-1' }]

test('a cursor opens for whom and what it was made, in every process with the same key, and says nothing by itself', () => {
  const cursor = cipher.seal('{"after":"17"}', bound)
  expect(createSealer(() => [first]).open(cursor, bound)).toBe('{"after":"17"}')
  expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toContain('after')
  expect(cipher.seal('{"after":"17"}', bound)).not.toBe(cursor)
  // The instance's key was rotated meanwhile.
  expect(createSealer(() => [second, first]).open(cursor, bound)).toBe('{"after":"17"}')
})

test('a cursor that was altered, made up, or belongs to another key, question or instance does not open', () => {
  const cursor = cipher.seal('{"after":"17"}', bound)
  const other = createSealer(() => [second])
  expect(other.open(cursor, bound)).toBeUndefined()
  expect(cipher.open(cursor, ['key-2', ...bound.slice(1)])).toBeUndefined()
  expect(cipher.open(cursor, ['key-1', 'history', { name: 'ACC-2' }])).toBeUndefined()
  for (const text of [`${cursor.slice(0, -2)}AA`, cursor.slice(4), `${cursor}=`, `${cursor}A`, '', 'nonsense', '%00']) {
    expect(cipher.open(text, bound)).toBeUndefined()
  }
})
