/**
 * Every command's help, and every listing, on a screen of 80 columns and in a pipe. The commands are found in the tree of
 * commands: a new one is tested by being there.
 */
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programFor } from '../../src/cli/program.ts'
import { widthOf } from '../../src/cli/screen.ts'
import { runCli } from '../support/cli.ts'
import { type Stack, startStack } from '../support/stack.ts'

interface Found {
  words: string[]
  command: Command
}

async function commandsUnder(words: readonly string[]): Promise<Found[]> {
  const program = await programFor(words)
  const command = words.reduce<Command>((at, name) => at.commands.find((each) => each.name() === name)!, program)
  const found: Found[] = [{ words: [...words], command }]
  for (const { commands, name } of command.commands.map((each) => ({ commands: each.commands, name: each.name() }))) {
    if (commands !== undefined && name !== 'help') found.push(...(await commandsUnder([...words, name])))
  }
  return found
}

const all = await commandsUnder([])
const nameOf = ({ words }: Found): string => ['opslog', ...words].join(' ')
const tooWide = (text: string): string[] => text.split('\n').filter((line) => widthOf(line) > 80)

describe('help', () => {
  it('of every command has no line wider than the screen', async () => {
    const wide: string[] = []
    for (const { words } of all) {
      const { stdout } = await runCli([...words, '--help'], { COLUMNS: '80' })
      wide.push(...tooWide(stdout).map((line) => `${words.join(' ')}: ${line}`))
    }
    expect(wide).toEqual([])
    expect(all.length).toBeGreaterThan(60)
  })
})

const listings = all.filter(({ command }) => command.options.some(({ long }) => long === '--wide'))
const longName = 'An operator whose name goes on and on, as names of companies with limited liability do'

/** What the listings are asked about, where they need to know. */
const about: Readonly<Record<string, readonly string[]>> = {
  'audit history': ['acme'],
  'audit trace': ['$request'],
  'audit as-of': ['acme', '--at', '9223372036854775807'],
  'admin key list': ['acme'],
  'admin product list': ['acme'],
  'admin firsthand key list': ['$organization'],
  'killatamata balance': ['acct_none'],
  'admin killatamata balance': ['acct_none'],
  'killatamata settlements list': ['--unmatched'],
  'admin killatamata settlements list': ['--unmatched'],
  'projections rebuild': ['noctant.operator'],
  'projections verify': ['noctant.operator'],
  'projections rollback': ['noctant.operator'],
  'projections parked skip': ['noctant.operator-none'],
  'projections parked retry': ['--all'],
}
/** What these find is not there: they end with a sentence, which has to fit too. */
const refused = [
  ...['engine price', 'engine accounts', 'projections rollback', 'projections parked skip'],
  ...['killatamata balance', 'admin killatamata balance'],
]

let stack: Stack
let environment: Record<string, string>
const given: Record<string, string> = {}

const json = async (...args: string[]) => JSON.parse((await runCli([...args, '--json'], environment)).stdout)

beforeAll(async () => {
  stack = await startStack()
  // The instance's own directory has the key that personal data needs.
  const directory = dirname(stack.logFile)
  environment = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR: directory }
  await json('admin', 'operator', 'create', '--name', longName, '--slug', 'acme')
  await json('admin', 'key', 'issue', 'acme', '--all-scopes', '--label', longName)
  await json('admin', 'create-auditor-key', '--operator', 'acme', '--name', longName)
  await json('admin', 'template', 'import', '--presets')
  given.$organization = (await json('admin', 'firsthand', 'organization', 'create', '--name', longName)).organization_id
  await json('admin', 'firsthand', 'worker', 'create', '--name', longName)
  given.$request = (await json('audit', 'history', 'acme'))[0].request_id
  await json('audit', 'seal')
})
afterAll(() => stack.close())

const argumentsOf = ({ words }: Found): string[] =>
  [...words, ...(about[words.join(' ')] ?? [])].map((word) => given[word] ?? word)

describe('a listing', () => {
  it('is known by what it needs to be asked', () => {
    const unknown = listings.filter(({ command, words }) => {
      const needed = command.registeredArguments.some(({ required }) => required)
      return needed && !(words.join(' ') in about)
    })
    expect(unknown.map(nameOf)).toEqual([])
    expect(listings.length).toBeGreaterThan(25)
  })

  it.each(listings.map((found) => [nameOf(found), found] as const))('%s fits 80 columns', async (_, found) => {
    const { exitCode, stdout, stderr } = await runCli(argumentsOf(found), { ...environment, COLUMNS: '80' })
    expect(tooWide(stdout + stderr)).toEqual([])
    if (!refused.includes(found.words.join(' '))) expect([exitCode, stderr.match(/error:.*/)]).toEqual([0, null])
  })

  it.each([
    ['admin operator list', longName],
    ['admin list-auditor-keys', longName],
    ['audit history acme', longName],
    ['events --limit 500', longName],
  ])('%s is whole in a pipe, with as many cells in each row', async (words, whole) => {
    const { stdout } = await runCli(words.split(' '), environment)
    const cells = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t').length)
    expect(new Set(cells).size).toBe(1)
    expect(cells[0]).toBeGreaterThan(3)
    expect(stdout).toContain(whole)
  })

  it('is records, or columns that were named, where that is asked for', async () => {
    const { stdout } = await runCli(['admin', 'operator', 'list', '--record'], { ...environment, COLUMNS: '80' })
    expect(stdout).toMatch(/^slug +acme\nname +An operator whose .*\n +limited liability do\nstatus +active$/m)
    const named = await runCli(['admin', 'operator', 'list', '--columns', 'status,slug'], environment)
    expect(named.stdout).toMatch(/^status\tslug\n(.*\n)*active\tacme\n/)
    const wrong = await runCli(['admin', 'operator', 'list', '--columns', 'colour'], environment)
    expect(wrong).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('operator_id') })
  })
})

describe('the tail of the log', () => {
  it('is the last events of a kind, as sentences on a screen', async () => {
    const { stdout } = await runCli(['events', '--type', 'noctant.Operator', '--limit', '1'], {
      ...environment,
      COLUMNS: '80',
    })
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d {2}noctant\.operator\w*-\S+ \d+ {2}admin \S+\n {2}\S/)
  })

  it('has no end with --follow, so --until is wrong usage', async () => {
    const { exitCode, stderr } = await runCli(['events', '--follow', '--until', '1'], environment)
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--until')])
  })
})
