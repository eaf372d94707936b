/** `opslog config`: every variable that the environment may set, with its default and what it is set to here. */
import { Command } from 'commander'
import { examples } from './examples.ts'
import { list, type OutputOptions, withOutput } from './table-output.ts'
import { colours } from './terminal.ts'

export function configCommand(): Command {
  const command = withOutput(new Command('config')).addHelpText('after', examples('', '--json'))
  return command.action(async (options: OutputOptions) => {
    const [{ describeConfig, withoutSecret }, { loadContexts }] = await Promise.all([
      import('../config.ts'),
      import('../contexts.ts'),
    ])
    const settings = describeConfig(await loadContexts()).map(({ name, fallback, description }) => {
      const value = process.env[name]
      return { name, default: fallback, value: value ? withoutSecret(name, value) : null, description }
    })
    const rows = settings.map((row) => [
      row.name,
      row.value === null ? row.default : colours.green(row.value),
      row.description,
    ])
    list(
      settings,
      options,
      [{ name: 'variable', least: 36 }, 'value', { name: 'what it says', least: 20 }],
      rows,
      'nothing can be set',
    )
  })
}
