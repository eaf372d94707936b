/**
 * Every command's help has examples, and each is one that its program takes. Commands are found in the tree of commands: a
 * new one is tested by being there. Nothing is executed: the actions are taken out before an example is parsed.
 */
import { type Command, CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { programFor } from '../../src/cli/program.ts'
import { widthOf } from '../../src/cli/screen.ts'

const WIDTH_MAX = 80
const below = (command: Command, name: string | undefined) => command.commands.find((each) => each.name() === name)

/** The command that the first of these words lead to, all of which are loaded, and how many words that took. */
function commandAt(program: Command, words: readonly string[]): { command: Command; depth: number } {
  let command = program
  for (const [depth, word] of words.entries()) {
    const next = below(command, word)
    if (!next) return { command, depth }
    command = next
  }
  return { command, depth: words.length }
}

async function leavesUnder(words: readonly string[]): Promise<{ name: string; help: string }[]> {
  const { command } = commandAt(await programFor(words), words)
  const names = command.commands.map((each) => each.name()).filter((name) => name !== 'help')
  if (names.length === 0) return [{ name: words.join(' '), help: helpOf(command) }]
  return (await Promise.all(names.map((name) => leavesUnder([...words, name])))).flat()
}

function helpOf(command: Command): string {
  const written: string[] = []
  command.configureOutput({ writeOut: (text) => void written.push(text) }).outputHelp()
  return written.join('')
}

/** Lines of the section, up to an empty one. */
function exampleLines(help: string): string[] {
  const lines = help.split('\n')
  const from = lines.findIndex((line) => /^Examples?:$/.test(line)) + 1
  if (from === 0) return []
  const to = lines.indexOf('', from)
  return lines.slice(from, to < 0 ? undefined : to)
}

const words = (text: string): string[] =>
  [...text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replaceAll(/["']/g, ''))
const endsCommand = (word: string): boolean => ['|', '<', '>', '&&', '#'].includes(word)

/** What stands behind `opslog` in each example that calls it, up to where its output or input is said. */
function callsIn(lines: readonly string[]): string[][] {
  const examples = lines
    .join('\n')
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n')
  return examples.flatMap((example) => {
    const [, call] = /(?:^|[\s(])opslog (.*?)\)?$/.exec(example) ?? []
    if (call === undefined) return []
    const all = words(call)
    const end = all.findIndex(endsCommand)
    return [end < 0 ? all : all.slice(0, end)]
  })
}

/** Makes the parsing of these commands do nothing but parse. */
function silence(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  for (const each of command.commands) silence(each)
}

function takeActions(command: Command): void {
  command.action(() => undefined)
  for (const each of command.commands) takeActions(each)
}

/** What is wrong with the words, by the very program; undefined: nothing. */
async function faultOf(call: readonly string[]): Promise<string | undefined> {
  const program = await programFor(call)
  const { command, depth } = commandAt(program, call)
  if (depth === 0) return `unknown command ${call[0]}`
  if (command.commands.length > 0) return `${call.join(' ')} is of several commands`
  silence(program)
  takeActions(command)
  try {
    await program.parseAsync([...call], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.message
    throw error
  }
  return undefined
}

/** An example is of the command whose help shows it, under `admin` or not. */
const isOf = (call: readonly string[], name: string): boolean =>
  [name, name.replace(/^admin /, '')].some((each) => `${call.join(' ')} `.startsWith(`${each} `))

const leaves = await leavesUnder([])

describe('examples', () => {
  it('stand in the help of every command, and are of that command', () => {
    const without = leaves.filter(({ name, help }) => !callsIn(exampleLines(help)).some((call) => isOf(call, name)))
    expect(without.map(({ name }) => name)).toEqual([])
    expect(leaves.length).toBeGreaterThan(100)
  })

  it('are commands that the program takes, with their options and arguments', async () => {
    const calls = new Map(
      leaves.flatMap(({ help }) => callsIn(exampleLines(help)).map((call) => [call.join(' '), call])),
    )
    const faults = await Promise.all([...calls].map(async ([text, call]) => [text, await faultOf(call)]))
    expect(faults.filter(([, fault]) => fault !== undefined)).toEqual([])
  })

  it('fit a screen as they are', () => {
    const lines = leaves.flatMap(({ help }) => exampleLines(help))
    expect(lines.filter((line) => widthOf(line) > WIDTH_MAX)).toEqual([])
  })
})

describe('an example', () => {
  it.each([
    ['admin operator list --jsn', 'unknown option'],
    ['admin operator lst', 'several commands'],
    ['admin operator create --name Acme', 'required option'],
    ['audit history', 'missing required argument'],
    ['engine price EURUSD --limit 5', 'unknown option'],
    ['engine order 3fa85f64 hold 1 EURUSD', 'invalid'],
    ['projections pause now', 'too many arguments'],
    ['satus', 'unknown command'],
  ])('is at fault where it is: opslog %s', async (text, fault) => {
    expect(await faultOf(text.split(' '))).toContain(fault)
  })

  it('is read as a shell reads it', () => {
    const lines = ['  opslog a --b "c d" \\', '    --e | jq .', '  source <(opslog completion bash)', '  curl x']
    expect(callsIn(lines)).toEqual([
      ['a', '--b', 'c d', '--e'],
      ['completion', 'bash'],
    ])
  })
})
