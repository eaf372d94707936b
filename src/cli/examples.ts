/** Examples below the help of a command, each of which is called as the help was: under `admin` where that was. */
import type { Command } from 'commander'

/** Examples are no wider, whatever the screen: they are copied from there. */
const WIDTH_MAX = 80
const INDENT = '  '
const GOES_ON = ' \\'

/** For `addHelpText('after', …)`: what stands behind the command's name, an example each; none: the name alone. */
export const examples =
  (...given: readonly string[]) =>
  ({ command }: { command: Command }): string => {
    const shown = given.length === 0 ? [''] : given
    const lines = shown.map((words) => folded([pathOf(command), ...words.split(/ (?=--)/)]))
    return ['', shown.length === 1 ? 'Example:' : 'Examples:', ...lines].join('\n')
  }

function pathOf(command: Command): string {
  const above = command.parent ? `${pathOf(command.parent)} ` : ''
  return above + command.name()
}

/** Lines that a shell reads as one, broken between the parts where they would be too wide. */
function folded([first = '', ...parts]: readonly string[]): string {
  const lines: string[] = []
  let line = INDENT + first
  for (const [at, part] of parts.entries()) {
    const longer = `${line} ${part}`.trimEnd()
    const widthMax = at === parts.length - 1 ? WIDTH_MAX : WIDTH_MAX - GOES_ON.length
    if (longer.length <= widthMax) {
      line = longer
      continue
    }
    lines.push(line + GOES_ON)
    line = INDENT + INDENT + part
  }
  return [...lines, line].join('\n')
}
