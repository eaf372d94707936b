/** `opslog admin`: what the contexts let administrators do. Every change is a command, and leaves events that name the user. */
import { Command } from 'commander'
import { loadContextClis } from '../contexts.ts'
import { examplesOf } from './context-cli.ts'
import { addParts, type Parts } from './parts.ts'
import { adminTools } from './tools.ts'

const own: Parts = {
  secrets: {
    summary: 'the key that secrets and the keys of persons are sealed with',
    load: async () => (await import('./admin-secrets.ts')).secretsCommand(),
  },
}

/** `args` are those behind `opslog admin`. */
export async function adminCommand(args: readonly string[]): Promise<Command> {
  const clis = (await loadContextClis()).map(({ cli }) => cli)
  const parts: Parts[] = clis.map((cli) => cli.admin?.(async () => adminTools) ?? {})
  const admin = new Command('admin')
  await addParts(admin, Object.assign({}, ...parts, own), args)
  return admin.addHelpText('after', examplesOf(clis, 'admin'))
}
