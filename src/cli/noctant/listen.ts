/** `opslog listen`: how it is asked for; what it does stands in listening.ts and forwarding.ts. */
import { Command, InvalidArgumentError } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { withForwarding } from '../forwarding-options.ts'
import { CliError, EXIT } from '../terminal.ts'
import type { ListenOptions } from './listening.ts'

function secret(value: string): string {
  if (/^whsec_[A-Za-z0-9+/=]{24,}$/.test(value)) return value
  throw new InvalidArgumentError('A secret is whsec_ and base64 of at least 18 bytes.')
}

export const listenCommand = (tools: AdminTools): Command =>
  withForwarding(new Command('listen'), 'signed as a Standard Webhook', secret)
    .option(
      '--operator <operator>',
      'slug, id, or the beginning of it, whose events to print (default: the sandbox operator)',
    )
    .option('--since <moment>', 'begin after a time (RFC 3339) or a log position (default: now)')
    .option('--url <url>', 'of an instance elsewhere: shows attempts to deliver, by its API')
    .option('--key <key>', 'API key with the scope webhook_deliveries:read, for --url')
    .addHelpText(
      'after',
      `
Prints the signing secret first; what happens after that line arrives. What is resent or replayed comes again under its
webhook-id. Endpoints that operators have set are not touched. Ctrl-C ends it.`,
    )
    .addHelpText(
      'after',
      examples(
        '',
        '--forward-to http://localhost:3000/hook',
        '--forward-to http://localhost:3000/hook --events account.opened,trade.closed',
        '--operator acme --since 2026-03-01T09:30:00Z --print-json',
        '--url https://opslog.example.com --key nct_…',
      ),
    )
    .action(async ({ url, key, ...options }: ListenOptions & { url?: string; key?: string }) => {
      if (url === undefined && key === undefined) return (await import('./listening.ts')).listen(tools, options)
      if (url === undefined || key === undefined) throw new CliError(EXIT.usage, '--url and --key go together')
      return (await import('./listening-by-key.ts')).listenByKey({ ...options, url, key })
    })
