/** The map from the table of faults to the tests: whole, and of tests that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../support/source.ts'
import { attackRows } from './attack-rows.ts'
import { badInput } from './bad-input.ts'
import { firsthandRows } from './firsthand-rows.ts'
import { killatamataMediaRows } from './killatamata-media-rows.ts'
import { killatamataRows } from './killatamata-rows.ts'
import { ostiumRows } from './ostium-rows.ts'
import { rows } from './rows.ts'
import { rungateRows } from './rungate-rows.ts'

const ROWS = 40
const FIRSTHAND_ROWS = 22
const RUNGATE_ROWS = 16
const OSTIUM_ROWS = 20
/** Those whose parts are there. */
const KILLATAMATA_ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 18, 19, 20, 22]
const KILLATAMATA_MEDIA_ROWS = [9, 10, 11, 12, 13, 14, 15, 16, 17]
const ATTACK_ROWS = 16
const numbersTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

it('every file of the suite has its turn in short runs, or is named as one that has none', () => {
  const runner = readFileSync(join(root, 'scripts/faults.ts'), 'utf8')
  const files = readdirSync(join(root, 'test/faults')).flatMap((file) => /^(.*)\.fault\.ts$/.exec(file)?.[1] ?? [])
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((name) => !new RegExp(`\\b${name}\\b`).test(runner))).toEqual([])
})

it('every row of the table has a test', () => {
  expect(rows.map(({ row }) => row)).toEqual(numbersTo(ROWS))
  expect(firsthandRows.map(({ row }) => row)).toEqual(numbersTo(FIRSTHAND_ROWS))
  expect(rungateRows.map(({ row }) => row)).toEqual(numbersTo(RUNGATE_ROWS))
  expect(ostiumRows.map(({ row }) => row)).toEqual(numbersTo(OSTIUM_ROWS))
  expect(killatamataRows.map(({ row }) => row)).toEqual(KILLATAMATA_ROWS)
  expect(killatamataMediaRows.map(({ row }) => row)).toEqual(KILLATAMATA_MEDIA_ROWS)
  expect(attackRows.map(({ row }) => row)).toEqual(numbersTo(ATTACK_ROWS))
  expect(
    [
      ...[...rows, ...firsthandRows, ...rungateRows, ...ostiumRows, ...killatamataRows, ...killatamataMediaRows],
      ...attackRows,
    ].filter(({ tests }) => tests.length === 0),
  ).toEqual([])
})

it('every test that a row names stands in its file, under that name', () => {
  const source = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '')
  const isNamed = (file: string, name: string) =>
    ["'", '`'].some((quote) => source(file).includes(quote + name + quote))
  const named = [
    ...rows.map(({ row, tests }) => ({ what: `row ${row}`, tests })),
    ...firsthandRows.map(({ row, tests }) => ({ what: `row F${row}`, tests })),
    ...rungateRows.map(({ row, tests }) => ({ what: `row G${row}`, tests })),
    ...ostiumRows.map(({ row, tests }) => ({ what: `row O${row}`, tests })),
    ...killatamataMediaRows.map(({ row, tests }) => ({ what: `row K${row}`, tests })),
    ...killatamataRows.map(({ row, tests }) => ({ what: `row K${row}`, tests })),
    ...attackRows.map(({ row, tests }) => ({ what: `attack ${row}`, tests })),
    ...badInput.map(({ input, tests }) => ({ what: input, tests })),
  ]
  const missing = named.flatMap(({ what, tests }) =>
    tests.filter(([file, name]) => !isNamed(file, name)).map(([file, name]) => `${what}: ${file}: ${name}`),
  )
  expect(missing).toEqual([])
})
