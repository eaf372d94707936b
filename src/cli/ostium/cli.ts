/** What ostium shows on the command line: its commands stand under `opslog ostium`, which is `opslog admin ostium` as well. */
import type { ContextCli, Tools } from '../context-cli.ts'
import { under } from '../parts.ts'

const commands = async (tools: Tools) => under('ostium', (await import('./commands.ts')).ostiumCommands(await tools()))

const parts = (tools: Tools) => ({
  ostium: {
    summary: 'the chain of the trade API, who pays for its gas, agents and their actions',
    load: () => commands(tools),
  },
})

export const ostiumCli: ContextCli = {
  commands: parts,
  admin: parts,
  demos: {
    ostium: {
      summary: 'a trader on the local chain, by his own key and by an agent',
      load: async () => (await import('./demo/chapters.ts')).ostiumDemo,
    },
  },
}
