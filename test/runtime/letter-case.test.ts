import { expect, expectTypeOf, test } from 'vitest'
import { camel, camelCase, snake, snakeCase } from '../../src/runtime/letter-case.ts'

test('names go from one case to the other and back', () => {
  for (const name of ['id', 'globalUserId', 'cooldownHoursAfterBreach', 'maxDrawdown30Days']) {
    expect(camelCase(snakeCase(name))).toBe(name)
  }
  expect(snakeCase('programAccountId')).toBe('program_account_id')
})

test('facts become columns of the same values, known to the compiler by their names', () => {
  const row = snake({ globalUserId: 'a', policy: { grossAmount: '1' }, displayOrder: 3 })
  expect(row).toStrictEqual({ global_user_id: 'a', policy: { grossAmount: '1' }, display_order: 3 })
  expectTypeOf(row).toEqualTypeOf<{ global_user_id: string; policy: { grossAmount: string }; display_order: number }>()
})

test('some facts become columns where they are named', () => {
  const some = snake({ orderId: 'a', filledQuantity: '1', reason: null }, 'orderId', 'filledQuantity')
  expect(some).toStrictEqual({ order_id: 'a', filled_quantity: '1' })
  expectTypeOf(some).toEqualTypeOf<{ order_id: string; filled_quantity: string }>()
})

test('members of a request become facts', () => {
  const facts = camel({ display_name: 'A', max_concurrent_per_user: null })
  expect(facts).toStrictEqual({ displayName: 'A', maxConcurrentPerUser: null })
  expectTypeOf(facts).toEqualTypeOf<{ displayName: string; maxConcurrentPerUser: null }>()
})
