/** Commands that are loaded when they are asked for: the rest of the house takes longer to load than most take to run. */
import { Command } from 'commander'

export interface Part {
  /** What the list of commands says of it: to show the list, none of them is loaded. */
  summary: string
  /** The command of this name; `rest` are the arguments behind it. */
  load(rest: readonly string[]): Promise<Command>
}
export type Parts = Readonly<Record<string, Part>>

/** Adds a command for each part, loaded where the arguments begin with its name, or with `help` and its name. */
export async function addParts(command: Command, parts: Parts, [first, ...rest]: readonly string[]): Promise<void> {
  const asked = first === 'help' ? rest[0] : first
  for (const [name, { summary, load }] of Object.entries(parts)) {
    const part = name === asked ? await load(rest) : new Command(name)
    command.addCommand(part.description(summary))
  }
}

/** A command that holds these. */
export function under(name: string, commands: readonly Command[]): Command {
  const command = new Command(name)
  for (const below of commands) command.addCommand(below)
  return command
}
