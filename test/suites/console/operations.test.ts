/** The console has pages and no operations: what it does, contexts' operations do. */
import { expect, it } from 'vitest'
import { documentsOf } from '../../../src/http/app.ts'
import { console } from '../../../src/http/console/api.ts'

it('has no operations, and so no document', () => {
  expect(console.operations).toStrictEqual([])
  expect(documentsOf([console as never])).toStrictEqual([])
})

it('says of each of its refusals what can be done', () => {
  const { codes, help = {} } = console.errors
  const own = Object.keys(codes).filter((code) => code in help)
  expect(own.length).toBeGreaterThan(5)
  for (const code of own) expect(help[code as never], code).toMatch(/^[A-Z].{20,}\.$/)
})
