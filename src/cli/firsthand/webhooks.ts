/** `opslog admin firsthand webhook list`: every organization's endpoints, and how their events fare. */
import { Command } from 'commander'
import { listEndpointsWithCounts } from '../../projections/firsthand/webhook.ts'
import type { AdminTools } from '../admin-tools.ts'
import { colours, show, table } from '../terminal.ts'

export function webhookCommand({ withSession }: AdminTools): Command {
  const command = new Command('webhook').description('list webhook endpoints')
  command
    .command('list')
    .description('all webhook endpoints, oldest first, with their pending and failed events')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const endpoints = await withSession(({ db }) => listEndpointsWithCounts(db))
      show(endpoints, options, () => {
        if (endpoints.length === 0) return 'There are no webhook endpoints.'
        const rows = endpoints.map((row) => [
          ...[row.endpoint_id, row.organization_id, row.environment],
          // What follows the origin may be secret.
          new URL(row.url).origin,
          row.status === 'active' ? colours.green(row.status) : colours.red(row.status),
          ...[row.failing_since ?? '-', String(row.pending), String(row.failed)],
        ])
        return table(['endpoint', 'organization', 'world', 'to', 'status', 'failing since', 'pending', 'failed'], rows)
      })
    })
  return command
}
