/** What firsthand shows on the command line. */
import type { ContextCli } from '../context-cli.ts'
import { under } from '../parts.ts'

export const firsthandCli: ContextCli = {
  admin: (tools) => ({
    firsthand: {
      summary: 'organizations, API keys, credits, workers and submissions',
      load: async () => under('firsthand', (await import('./commands.ts')).firsthandCommands(await tools())),
    },
  }),
  demos: {
    firsthand: {
      summary: 'credits, a job, its files and who is paid',
      load: async () => (await import('./demo/chapters.ts')).firsthandDemo,
    },
  },
  examples: { admin: ['opslog admin firsthand organization create --name "Acme Pictures"'] },
  names: {
    organization: 'SELECT organization_id AS name FROM firsthand_organizations ORDER BY organization_id',
    worker: 'SELECT worker_id AS name FROM firsthand_workers ORDER BY worker_id',
  },
  deadLetters: async () => (await import('./dead-letters.ts')).firsthandDeadLetters,
  tenants: {
    ...{ option: 'operator', whose: 'an organization’s' },
    find: async (session, id) => (await import('./tenant.ts')).existingOrganization(session, id),
  },
}
