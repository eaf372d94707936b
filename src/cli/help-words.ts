/** What asks for help: `help a b` and `a help b` mean `a b --help`. Help of a word that names no command is an error. */
import type { Command } from 'commander'

const isHelpOption = (word: string): boolean => word === '--help' || word === '-h'

/** A `help` in front becomes an option behind the words, so that the commands they name are loaded. */
export const helpBehind = (args: readonly string[]): readonly string[] =>
  args[0] === 'help' ? [...args.slice(1), '--help'] : args

/**
 * The arguments that the program is to parse. Commander answers help of an unknown command with that of the group, as if
 * nothing was wrong. Without the option it says which command is unknown, and which one is nearest.
 */
export function helpWords(program: Command, args: readonly string[]): string[] {
  const { command, path, rest, isHelp } = commandOf(program, args)
  const takesCommands = command.commands.length > 0 && command.registeredArguments.length === 0
  const isUnknown = takesCommands && rest[0] !== undefined && !rest[0].startsWith('-')
  if (isUnknown && (isHelp || rest.some(isHelpOption))) return [...path, ...rest.filter((word) => !isHelpOption(word))]
  return isHelp ? [...path, ...rest, '--help'] : [...path, ...rest]
}

/** The command that the first words name, what stands behind its name, and whether `help` stood between. */
function commandOf(program: Command, args: readonly string[]) {
  const path: string[] = []
  let command = program
  let isHelp = false
  for (const [at, word] of args.entries()) {
    const below = command.commands.find((each) => each.name() === word)
    const asksHelp = word === 'help' && command.commands.length > 0
    if (!below && !asksHelp) return { command, path, rest: args.slice(at), isHelp }
    isHelp ||= asksHelp
    if (!below) continue
    command = below
    path.push(word)
  }
  return { command, path, rest: [], isHelp }
}
