/** `opslog webhooks`: has an event delivered again, and says of a request that came whether it is genuine, and if not, why. */
import { readFileSync } from 'node:fs'
import { verifyWebhook, WebhookRefused } from '@opslog/client'
import { Command } from 'commander'
import { isUuid } from '../../events/uuid.ts'
import { NotSettled, replayWebhooks } from '../../processes/noctant/dead-letters.ts'
import { attemptsOf } from '../../projections/noctant/webhook.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { CliError, colours, EXIT, show } from '../terminal.ts'
import { isBeginning, wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

interface JsonOption {
  json?: boolean
}
interface VerifyOptions extends JsonOption {
  secret: string
  toleranceS?: string
}

export function webhooksCommand(tools: AdminTools): Command {
  const command = new Command('webhooks')
  command
    .command('resend')
    .argument('<event>', 'id of the event, or its beginning')
    .description('deliver an event once more to its operator’s endpoint, under the same webhook-id')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('0b0f5c1e'))
    .action((id: string, options: JsonOption) => resend(tools, id, options))
  command
    .command('verify')
    .description('say whether a request on standard input is genuine: headers, an empty line, the body')
    .requiredOption('--secret <secret>', 'of the endpoint, or of `opslog listen`: whsec_…')
    .option('--tolerance-s <seconds>', 'how far the clocks may differ; for requests that were kept')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples('--secret whsec_… < request.txt', '--secret whsec_… --tolerance-s 86400 < yesterday.txt'),
    )
    .action((options: VerifyOptions) => verify(options))
  return command.addHelpText(
    'after',
    `
Exit codes of verify: 0 genuine, 1 not, with what does not fit: headers, clock, signature (the body or the secret).

Examples:
  opslog webhooks resend 0b0f5c1e
  opslog webhooks verify --secret whsec_… < request.txt
  opslog webhooks verify --secret whsec_… --tolerance-s 86400 < yesterday.txt`,
  )
}

async function resend(tools: AdminTools, named: string, options: JsonOption): Promise<void> {
  await tools.withSession(async ({ bus, db, context }) => {
    if (!isUuid(named) && !isBeginning(named)) {
      throw new CliError(EXIT.usage, `${named} is not a UUID, nor 8 characters of one`)
    }
    const attempts = await attemptsOf(db, await wholeIdOf({ db }, identified.webhook, named))
    const [attempt] = attempts
    if (!attempt) {
      throw new CliError(
        EXIT.refused,
        `no webhook told of ${named}`,
        'Ids stand in `opslog listen` and /console/webhooks.',
      )
    }
    try {
      const replayed = await replayWebhooks({ bus, db, context }, attempts)
      const value = { event_id: attempt.event_id, event_type: attempt.event_type, resent_to: replayed.length }
      show(value, options, () => colours.green(`${attempt.event_type} is on its way again.`))
    } catch (error) {
      if (!(error instanceof NotSettled)) throw error
      throw new CliError(EXIT.refused, error.message, error.whatToDo)
    }
  })
}

/** A request as it was kept: its first line may stand there or not. */
export function requestIn(text: string): { headers: Record<string, string>; body: string } {
  const [, head = '', body] = /^([\s\S]*?)\r?\n\r?\n([\s\S]*)$/.exec(text) ?? []
  if (body === undefined) {
    throw new CliError(
      EXIT.usage,
      'that is no request',
      'Headers come first, then an empty line, then the body as it came.',
    )
  }
  const lines = head.split(/\r?\n/).filter((line) => /^[\w-]+\s*:/.test(line))
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(':')
    return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()]
  })
  return { headers: Object.fromEntries(headers), body }
}

const hints: Readonly<Record<WebhookRefused['fault'], string>> = {
  headers: 'It needs webhook-id, webhook-timestamp and webhook-signature, as they came.',
  clock: 'Set the clock, or say --tolerance-s for a request that was kept.',
  signature: 'The body has to be as it came, byte for byte; after a rotation another secret signs.',
}

/** Editors end a file with a line's end that the body did not have: it is tried without too. */
function verify({ secret, toleranceS, json = false }: VerifyOptions): void {
  const { headers, body } = requestIn(readFileSync(0, 'utf8'))
  const tolerance = toleranceS === undefined ? {} : { toleranceS: Number(toleranceS) }
  const bodies = [body, body.replace(/\r?\n$/, '')]
  for (const [at, each] of bodies.entries()) {
    try {
      verifyWebhook(headers, each, secret, tolerance)
      const value = { ok: true, webhook_id: headers['webhook-id'] ?? null }
      show(value, { json }, () => colours.green(`genuine: ${headers['webhook-id'] ?? 'no id'}`))
      return
    } catch (error) {
      if (!(error instanceof WebhookRefused)) throw error
      if (error.fault === 'signature' && at < bodies.length - 1) continue
      throw new CliError(EXIT.refused, `not genuine (${error.fault}): ${error.message}`, hints[error.fault])
    }
  }
}
