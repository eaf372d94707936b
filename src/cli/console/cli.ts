/** What the console shows on the command line. */
import type { ContextCli } from '../context-cli.ts'

export const consoleCli: ContextCli = {
  commands: (tools) => ({
    console: {
      summary: 'a link that opens the console to an administrator',
      load: async () => (await import('./command.ts')).consoleCommand(await tools()),
    },
  }),
  examples: { commands: ['opslog console --open'] },
}
