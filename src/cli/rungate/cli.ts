/** What rungate shows on the command line: its commands stand under `opslog rungate`, which is `opslog admin rungate` as well. */
import type { ContextCli, Tools } from '../context-cli.ts'
import { under } from '../parts.ts'

const commands = async (tools: Tools) =>
  under('rungate', (await import('./commands.ts')).rungateCommands(await tools()))

export const rungateCli: ContextCli = {
  commands: (tools) => ({
    rungate: {
      summary: 'accounts of the gateway to models, prices, and a provider to try it with',
      load: () => commands(tools),
    },
  }),
  admin: (tools) => ({
    rungate: {
      summary: 'accounts, people to forget, webhooks, prices of models, and a provider to try them with',
      load: () => commands(tools),
    },
  }),
  demos: {
    rungate: {
      summary: 'calls of models under a budget, by both libraries',
      load: async () => (await import('./demo/chapters.ts')).rungateDemo,
    },
  },
  names: { account: 'SELECT slug AS name FROM rungate_accounts ORDER BY slug' },
  deadLetters: async () => (await import('./dead-letters.ts')).rungateDeadLetters,
  tenants: {
    ...{ option: 'account', whose: 'an account’s of rungate' },
    find: async (session, slugOrId) => (await import('./tenant.ts')).existingAccount(session, slugOrId),
  },
}
