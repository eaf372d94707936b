/** `opslog admin rungate webhook list`: every account's webhooks, and how their deliveries fare. */
import { Command } from 'commander'
import { listWebhooksWithCounts } from '../../projections/rungate/webhook.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { colours } from '../terminal.ts'

export function webhookCommand({ withSession }: AdminTools): Command {
  const command = new Command('webhook').description('list webhooks')
  withOutput(command.command('list'))
    .description('all webhooks, oldest first, with their pending and failed deliveries')
    .addHelpText('after', examples())
    .action(async (options: OutputOptions) => {
      const webhooks = await withSession(({ db }) => listWebhooksWithCounts(db))
      const rows = webhooks.map((row) => [
        ...[row.webhook_id, row.account_id, row.name],
        // What follows the origin may be secret.
        new URL(row.url).origin,
        row.status === 'active' ? colours.green(row.status) : colours.red(row.status),
        ...[String(row.failures), String(row.pending), String(row.failed)],
      ])
      printList(
        webhooks,
        options,
        ['webhook', 'account', 'name', 'to', 'status', 'in a row', 'pending', 'failed'],
        rows,
        'There are no webhooks.',
      )
    })
  return command
}
