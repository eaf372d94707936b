/** `opslog config`: every variable that the environment may set, with its default and what it is set to here. */
import { Command } from 'commander'
import { colours, show, table } from './terminal.ts'

/** Connection strings carry passwords, keys are secrets as a whole, and terminals are recorded. */
const withoutSecret = (name: string, value: string): string =>
  name.endsWith('_KEY') ? '***' : value.replace(/(:\/\/[^:@/\s]*):[^@/\s]*@/, '$1:***@')

export function configCommand(): Command {
  return new Command('config').option('--json', 'print JSON').action(async (options: { json?: boolean }) => {
    const [{ describeConfig }, { loadContexts }] = await Promise.all([import('../config.ts'), import('../contexts.ts')])
    const settings = describeConfig(await loadContexts()).map(({ name, fallback, description }) => {
      const value = process.env[name]
      return { name, default: fallback, value: value ? withoutSecret(name, value) : null, description }
    })
    show(settings, options, () => {
      const rows = settings.map((row) => [
        row.name,
        row.value === null ? row.default : colours.green(row.value),
        row.description,
      ])
      return table(['variable', 'value', 'what it says'], rows)
    })
  })
}
