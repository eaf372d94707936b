/** What fits on a screen: text, tables, records, and a pager for what is longer than the window. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { widthOf, wrapped } from '../../src/cli/screen.ts'
import { idShortener, table } from '../../src/cli/table.ts'
import { csvLine } from '../../src/cli/table-output.ts'
import { runCli } from '../support/cli.ts'
import { onScreen } from '../support/terminal.ts'

afterEach(() => void vi.unstubAllEnvs())

const screen = (columns: number) => void vi.stubEnv('COLUMNS', String(columns))
const pipe = () => void vi.stubEnv('COLUMNS', undefined)
const widest = (text: string): number => Math.max(...text.split('\n').map(widthOf))

const id = 'd2719f3e-41a6-4c0b-9a55-0c8e1f0a7b61'
const other = 'd2719f3e-99a6-4c0b-9a55-0c8e1f0a7b61'
const head = ['account', 'name', 'recorded', 'balance']
const row = [
  id,
  'A name that goes on for rather longer than a table has room',
  '2020-01-02T03:04:05.678Z',
  '100.00 USD',
]

describe('text', () => {
  it('is broken between words, and within a word that is wider than the screen', () => {
    expect(wrapped('one two three', 9)).toBe('one two\nthree')
    expect(wrapped('abcdefghijkl', 5)).toBe('abcde\nfghij\nkl')
  })

  it('is continued where its line’s last part begins, or deeper than the line where that is too far right', () => {
    expect(wrapped('name  some words here', 14)).toBe('name  some\n      words\n      here')
    expect(wrapped('  a long command  what it does', 20)).toBe('  a long command\n      what it does')
  })

  it('counts the columns of wide characters', () => {
    expect(widthOf('漢字')).toBe(4)
    expect(widest(wrapped('漢字漢字漢字漢字', 7))).toBeLessThanOrEqual(7)
  })

  it('is left alone in a pipe', () => {
    expect(wrapped('x'.repeat(500), undefined)).toBe('x'.repeat(500))
  })
})

describe('a table', () => {
  it('is whole in a pipe: a line a row, a tab between cells, and none within', () => {
    pipe()
    expect(table(head, [[id, 'two\nlines\tand a tab', '', '1']])).toBe(
      `account\tname\trecorded\tbalance\n${id}\ttwo lines and a tab\t\t1`,
    )
  })

  it('shortens ids and times, then cuts text, and never an amount', () => {
    screen(80)
    const text = table(head, [row])
    expect(widest(text)).toBeLessThanOrEqual(80)
    expect(text).toMatch(/d2719f3e +│ A name .*… │ 2020-01-02 03:04:05 │ 100.00 USD/)
  })

  it('leaves out the columns of the highest rank, and says how many', () => {
    screen(40)
    const text = table(['account', { name: 'name', rank: 9 }, 'recorded', 'balance'], [row])
    expect(widest(text)).toBeLessThanOrEqual(40)
    expect(text).toContain('2 columns hidden; --wide shows all')
    expect(text).not.toContain('name')
  })

  it('is records where not even two columns fit', () => {
    screen(20)
    const text = table(head, [row, row])
    expect(widest(text)).toBeLessThanOrEqual(20)
    expect(text.split('\n\n')).toHaveLength(2)
    expect(text.replaceAll(/\s/g, '')).toContain(id)
  })

  it.each([10, 13, 21, 34, 55, 79, 80, 120])('is never wider than %i columns', (columns) => {
    screen(columns)
    const rows = [row, [other, '漢字の名前がとても長いとき', new Date().toISOString(), '-1.5'], ['', 'x', '', '']]
    for (const record of [true, false]) expect(widest(table(head, rows, { record }))).toBeLessThanOrEqual(columns)
  })

  it('has all columns, whole, where that is asked for', () => {
    screen(40)
    expect(table(head, [row], { wide: true })).toContain(row[1])
  })

  it('has the columns that are asked for in their order, and says which there are', () => {
    pipe()
    expect(table(head, [row], { columns: ['Balance', 'account'] })).toBe(`balance\taccount\n100.00 USD\t${id}`)
    expect(() => table(head, [row], { columns: ['owner'] })).toThrow('there is no column owner')
  })

  it('keeps two ids apart that begin alike', () => {
    const shorten = idShortener([`stream-${id}`, other])
    expect([shorten(`stream-${id}`), shorten(other)]).toEqual(['stream-d2719f3e-4', 'd2719f3e-9'])
  })
})

it('CSV has no colours', () => {
  expect(csvLine(['\x1b[32mactive\x1b[39m', 'a,b'])).toBe('active,"a,b"\r\n')
})

describe('a terminal', () => {
  it('has a pager for what is longer than the window, unless it is told not to', async () => {
    const environment = { PAGER: 'sed s/^/paged:/' }
    const paged = await onScreen(['config'], { columns: 80, rows: 24 }, environment)
    expect(paged.split('\n').filter((line) => line !== '' && !line.startsWith('paged:'))).toEqual([])
    expect(widest(paged.replaceAll('paged:', ''))).toBeLessThanOrEqual(80)
    const whole = await onScreen(['config', '--no-pager'], { columns: 80, rows: 24 }, environment)
    expect(whole).not.toContain('paged:')
  })

  it('sees all where there is no such pager', async () => {
    expect(await onScreen(['config'], { columns: 80, rows: 24 }, { PAGER: 'no-such-pager-here' })).toContain('PORT')
  })
})

describe('opslog', () => {
  it('says which it is', async () => {
    const { stdout } = await runCli(['--version'])
    expect(stdout).toMatch(/^opslog \d+\.\d+\.\d+ (\([0-9a-f]{7,}\) )?node v24\.\S+\n$/)
  })

  it('suggests the nearest command', async () => {
    const { exitCode, stderr } = await runCli(['satus'])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Did you mean status?')])
  })

  it.each([
    ['help satus', 'Did you mean status?'],
    ['satus --help', 'Did you mean status?'],
    ['admin operator creat -h', 'Did you mean create?'],
    ['admin operator help creat', 'Did you mean create?'],
  ])('says that no such command is known: opslog %s', async (words, nearest) => {
    const { exitCode, stdout, stderr } = await runCli(words.split(' '))
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(nearest)
    const json = await runCli([...words.split(' '), '--json'])
    expect(JSON.parse(json.stderr).error).toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^unknown command/),
    })
  })

  it.each(['help admin operator create', 'admin help operator create', 'admin operator help create'])(
    'has help of the command that all its words name: opslog %s',
    async (words) => {
      const { exitCode, stdout } = await runCli(words.split(' '))
      expect([exitCode, stdout.split('\n')[0]]).toEqual([0, 'Usage: opslog admin operator create [options]'])
    },
  )

  it.each(['bash', 'zsh', 'fish'])('completes in %s', async (shell) => {
    const { stdout } = await runCli(['completion', shell])
    expect(stdout).toContain('opslog completion --words')
  })

  it.each([
    [['sta'], ['status\thow the instance is doing, on one screen']],
    [['audit', 'his'], ['history\tall that happened to one thing, in sentences']],
    [['audit', 'history', 'x', '--js'], ['--json\tprint JSON']],
    [['completion', 'z'], ['zsh\t']],
    [['nothing', ''], []],
  ])('completes %j to %j', async (words, lines) => {
    const { stdout } = await runCli(['completion', '--words', ...words])
    expect(stdout.split('\n').filter(Boolean)).toEqual(lines)
  })
})
