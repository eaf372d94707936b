/** Options of commands that show webhooks on a developer's own machine; what is forwarded stands in forwarding.ts. */
import { type Command, InvalidArgumentError } from 'commander'

export interface ShownWebhooks {
  events?: string[]
  forwardTo?: string
  headers: Record<string, string>
  skipVerify?: boolean
  secret?: string
  retry?: boolean
  printJson?: boolean
}

function webAddress(value: string): string {
  if (/^https?:\/\//.test(value) && URL.canParse(value)) return value
  throw new InvalidArgumentError('An address looks like http://localhost:3000/hook.')
}

function header(value: string, sofar: Record<string, string>): Record<string, string> {
  const [, name, content] = /^([\w-]+)\s*:\s*(.+)$/.exec(value) ?? []
  if (name === undefined || content === undefined) throw new InvalidArgumentError('A header looks like "name: value".')
  return { ...sofar, [name.toLowerCase()]: content }
}

const names = (value: string): string[] => value.split(',').map((name) => name.trim())

/** `signed`: how receivers see it: `signed as a Standard Webhook`. `secret` throws what is wrong with one. */
export const withForwarding = (command: Command, signed: string, secret: (value: string) => string): Command =>
  command
    .option('--events <types>', 'these types of webhooks alone, divided by commas', names)
    .option('--forward-to <url>', `post each event there, ${signed}`, webAddress)
    .option('--headers <header>', 'send this header too, such as "x-env: laptop"; repeatable', header, {})
    .option('--skip-verify', 'take any certificate of an https address')
    .option('--secret <secret>', 'sign with this one, so that it is the same in each run', secret)
    .option('--retry', 'send again, four times at most, what is not answered with 2xx')
    .option('--print-json', 'print each event’s body as a line of JSON')
