/** What a context of its own declares is checked, told and passed over without a word in the kernel. */
import { expect, test } from 'vitest'
import { auditRulesOf, type Declaring } from '../../src/audit/declarations.ts'
import { advance, newMemory } from '../../src/audit/rules.ts'

const library: Declaring = {
  name: 'library',
  events: { tenant: 'branchId' },
  aggregates: [{ category: 'library.book', initialState: { status: 'absent' }, evolve: () => ({ status: 'there' }) }],
  books: {
    categories: ['library.shelf'],
    streamBooks: {
      'library.shelf': [
        {
          name: 'books on the shelf',
          open: (isFromStart) => {
            let there = isFromStart ? 0 : undefined
            return {
              enter: ({ data }) => {
                const expected = there === undefined ? undefined : there + Number(data.change)
                there = Number(data.there)
                return expected === undefined || expected === there ? [] : [`${there} are there instead of ${expected}`]
              },
            }
          },
        },
      ],
    },
    sequences: { 'library.ShelfCounted.v1': 'number' },
    mentions: { 'library.BookAcquired.v1': { isCreation: true, names: ['title'], owns: ['copyId'] } },
    readings: ['library.shelf'],
  },
}
const rules = auditRulesOf([library])
const counted = (number: number, change: number, there: number) => ({
  type: 'library.ShelfCounted.v1',
  data: { number, change, there },
})

test('the streams of a context are those of its aggregates and of the categories that it names', () => {
  const streams = ['library.book-1', 'library.shelf-1', 'library.reader-1', 'elsewhere.account-1', 'opslog.seal-log']
  expect(streams.map(rules.isOurs)).toEqual([true, true, false, false, true])
  expect(streams.map(rules.isReading)).toEqual([false, true, false, false, false])
})

test('a book is kept for each stream, and a counted field has no gaps', () => {
  const shelf = newMemory(rules, 'library.shelf-1', true)
  const faults = [counted(1, 3, 3), counted(2, 1, 5), counted(4, 0, 5)].map((event, at) =>
    advance(shelf, rules, event, BigInt(at)),
  )
  expect(faults).toEqual([
    [],
    [{ kind: 'balance', detail: '5 are there instead of 4' }],
    [{ kind: 'transition', detail: 'has number 4 instead of 3' }],
  ])
  const inItsMidst = newMemory(rules, 'library.shelf-1', false)
  expect(advance(inItsMidst, rules, counted(7, 1, 9), 6n)).toEqual([])
})

test('what makes a thing stands once', () => {
  const book = newMemory(rules, 'library.book-1', true)
  const acquired = { type: 'library.BookAcquired.v1', data: { title: 'Emma', copyId: 'a' } }
  expect(advance(book, rules, acquired, 0n)).toEqual([])
  expect(advance(book, rules, acquired, 1n)).toEqual([{ kind: 'transition', detail: 'made a second time' }])
})
