/** What killatamata shows on the command line: its commands stand under `opslog killatamata`, which is `opslog admin killatamata` as well. */
import type { ContextCli, Tools } from '../context-cli.ts'
import { under } from '../parts.ts'

const commands = async (tools: Tools) =>
  under('killatamata', (await import('./commands.ts')).killatamataCommands(await tools()))

const parts = (tools: Tools) => ({
  killatamata: {
    summary: 'accounts and their money, payments that somebody has to look at, forgetting an account',
    load: () => commands(tools),
  },
})

export const killatamataCli: ContextCli = {
  commands: parts,
  admin: parts,
  demos: {
    killatamata: {
      summary: 'credit by card and by x402, media jobs, and books that add up',
      load: async () => (await import('./demo/chapters.ts')).killatamataDemo,
    },
  },
}
