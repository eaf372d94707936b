/**
 * `opslog completion bash|zsh|fish`: a script for the shell. It asks `opslog completion --words …` for what may come next:
 * commands and options of the command tree, and, where an argument stands, names that the running instance knows.
 */
import { Argument, Command } from 'commander'

const shells = {
  bash: `# opslog completion bash > /etc/bash_completion.d/opslog, or: source <(opslog completion bash)
_opslog() {
  local IFS=$'\\n'
  COMPREPLY=($(opslog completion --words "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _opslog opslog`,
  zsh: `#compdef opslog
# opslog completion zsh > a directory of $fpath/_opslog, or: source <(opslog completion zsh)
_opslog() {
  local -a found
  local line
  for line in "\${(@f)$(opslog completion --words "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe opslog found
}
compdef _opslog opslog`,
  fish: `# opslog completion fish > ~/.config/fish/completions/opslog.fish
complete -c opslog -f -a '(opslog completion --words (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
} as const

export function completionCommand(): Command {
  return new Command('completion')
    .addArgument(new Argument('<shell>').choices(Object.keys(shells)))
    .addHelpText(
      'after',
      `
Examples:
  source <(opslog completion bash)
  opslog completion fish > ~/.config/fish/completions/opslog.fish`,
    )
    .action((shell: keyof typeof shells) => void process.stdout.write(`${shells[shell]}\n`))
}

/** Names that the instance knows; what asks it is loaded with the first of them. */
const namesFor = async (argument: string): Promise<string[]> =>
  (await import('./completion-names.ts')).namesFor(argument)

/** What the last word may become: the words and what they mean, with a tab between. */
export async function completions(root: Command, words: readonly string[]): Promise<string[]> {
  const last = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const { command, given } = commandAt(root, before)
  const shown = command.createHelp()
  const option = optionOf(command, before.at(-1))
  const found: [string, string][] = []
  if (option && (option.required || option.optional)) {
    for (const choice of option.argChoices ?? (await namesFor(option.attributeName()))) found.push([choice, ''])
  } else if (last.startsWith('-')) {
    for (const { long, short, description } of shown.visibleOptions(command))
      found.push([long ?? short ?? '', description])
  } else {
    for (const below of shown.visibleCommands(command)) {
      if (given === 0) found.push([below.name(), shown.subcommandDescription(below)])
    }
    const argument = command.registeredArguments[given] ?? command.registeredArguments.findLast((each) => each.variadic)
    if (argument) {
      for (const choice of argument.argChoices ?? (await namesFor(argument.name()))) found.push([choice, ''])
    }
  }
  return found.filter(([word]) => word.startsWith(last) && word !== '').map((pair) => pair.join('\t'))
}

const optionOf = (command: Command, word: string | undefined) =>
  command.options.find(({ short, long }) => word !== undefined && (word === short || word === long))

/** The command that the words lead to, and how many arguments of its own are among them. */
function commandAt(root: Command, words: readonly string[]): { command: Command; given: number } {
  let command = root
  let given = 0
  let isValue = false
  for (const word of words) {
    if (isValue) {
      isValue = false
      continue
    }
    if (word.startsWith('-')) {
      const option = optionOf(command, word)
      isValue = option !== undefined && (option.required || option.optional)
      continue
    }
    const below = given === 0 ? command.commands.find((each) => each.name() === word) : undefined
    if (below) command = below
    else given += 1
  }
  return { command, given }
}
