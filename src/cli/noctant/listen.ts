/** `opslog listen`: how it is asked for; what it does stands in listening.ts and forwarding.ts. */
import { Command, InvalidArgumentError } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import type { ListenOptions } from './listening.ts'

function webAddress(value: string): string {
  if (/^https?:\/\//.test(value) && URL.canParse(value)) return value
  throw new InvalidArgumentError('An address looks like http://localhost:3000/hook.')
}

function header(value: string, sofar: Record<string, string>): Record<string, string> {
  const [, name, content] = /^([\w-]+)\s*:\s*(.+)$/.exec(value) ?? []
  if (name === undefined || content === undefined) throw new InvalidArgumentError('A header looks like "name: value".')
  return { ...sofar, [name.toLowerCase()]: content }
}

function secret(value: string): string {
  if (/^whsec_[A-Za-z0-9+/=]{24,}$/.test(value)) return value
  throw new InvalidArgumentError('A secret is whsec_ and base64 of at least 18 bytes.')
}

const names = (value: string): string[] => value.split(',').map((name) => name.trim())

export const listenCommand = (tools: AdminTools): Command =>
  new Command('listen')
    .option('--operator <operator>', 'slug or id whose events to print (default: the sandbox operator)')
    .option('--events <types>', 'these types of webhooks alone, divided by commas', names)
    .option('--forward-to <url>', 'post each event there, signed as a Standard Webhook', webAddress)
    .option('--headers <header>', 'send this header too, such as "x-env: laptop"; repeatable', header, {})
    .option('--skip-verify', 'take any certificate of an https address')
    .option('--since <moment>', 'begin after a time (RFC 3339) or a log position (default: now)')
    .option('--secret <secret>', 'sign with this one, so that it is the same in each run', secret)
    .option('--retry', 'send again, four times at most, what is not answered with 2xx')
    .option('--print-json', 'print each event’s body as a line of JSON')
    .addHelpText(
      'after',
      `
Prints the signing secret first; what happens after that line arrives. What is resent or replayed comes again under its
webhook-id. Endpoints that operators have set are not touched. Ctrl-C ends it.

Examples:
  opslog listen
  opslog listen --forward-to http://localhost:3000/hook
  opslog listen --forward-to http://localhost:3000/hook --events account.opened,trade.closed
  opslog listen --operator acme --since 2026-03-01T09:30:00Z --print-json`,
    )
    .action(async (options: ListenOptions) => (await import('./listening.ts')).listen(tools, options))
