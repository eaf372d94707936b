/** The map from the table of faults to the tests: whole, and of tests that exist. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../support/source.ts'
import { firsthandRows, rows } from './rows.ts'

const ROWS = 40

it('every row of the table has a test', () => {
  expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: ROWS }, (_, index) => index + 1))
  expect(rows.filter(({ tests }) => tests.length === 0)).toEqual([])
})

it('every test that a row names stands in its file, under that name', () => {
  const source = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '')
  const isNamed = (file: string, name: string) =>
    ["'", '`'].some((quote) => source(file).includes(quote + name + quote))
  const missing = [...rows, ...firsthandRows].flatMap(({ row, tests }) =>
    tests.filter(([file, name]) => !isNamed(file, name)).map(([file, name]) => `row ${row}: ${file}: ${name}`),
  )
  expect(missing).toEqual([])
})
