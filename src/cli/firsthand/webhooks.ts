/** `opslog admin firsthand webhook list`: every organization's endpoints, and how their events fare. */
import { Command } from 'commander'
import { listEndpointsWithCounts } from '../../projections/firsthand/webhook.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { colours } from '../terminal.ts'

export function webhookCommand({ withSession }: AdminTools): Command {
  const command = new Command('webhook').description('list webhook endpoints')
  withOutput(command.command('list'))
    .description('all webhook endpoints, oldest first, with their pending and failed events')
    .addHelpText('after', examples())
    .action(async (options: OutputOptions) => {
      const endpoints = await withSession(({ db }) => listEndpointsWithCounts(db))
      const rows = endpoints.map((row) => [
        ...[row.endpoint_id, row.organization_id, row.environment],
        // What follows the origin may be secret.
        new URL(row.url).origin,
        row.status === 'active' ? colours.green(row.status) : colours.red(row.status),
        ...[row.failing_since ?? '-', String(row.pending), String(row.failed)],
      ])
      printList(
        endpoints,
        options,
        ['endpoint', 'organization', 'world', 'to', 'status', 'failing since', 'pending', 'failed'],
        rows,
        'There are no webhook endpoints.',
      )
    })
  return command
}
