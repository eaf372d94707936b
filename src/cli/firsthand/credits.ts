/** `opslog admin firsthand credit`: credits that an organization gets without paying for them. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { organization, organizationNotFound } from '../../commands/firsthand/organization.ts'
import { wallet, walletIdOf } from '../../commands/firsthand/wallet.ts'
import { type Environment, environment } from '../../events/firsthand/vocabulary.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { colours, show, text } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

/** What commander gives to an action. */
type Rest<Action> = Action extends (tools: AdminTools, ...given: infer Given) => Promise<void> ? Given : never

interface GrantOptions {
  amountCents: bigint
  kind: 'free_tier' | 'bonus'
  environment: Environment
  expiresAt?: string
  reason?: string
  json?: boolean
}

export function creditCommand(tools: AdminTools): Command {
  const command = new Command('credit').description('grant credits')
  command
    .command('grant')
    .argument('<organization>', 'its id, or the beginning of it')
    .description('add credits to a balance; each call adds them once more')
    .requiredOption('--amount-cents <cents>', 'a whole number of cents', centsOf)
    .addOption(new Option('--kind <kind>').choices(['free_tier', 'bonus']).default('free_tier'))
    .addOption(new Option('--environment <world>').choices(environment.options).default('live'))
    .option('--expires-at <time>', 'RFC 3339; default: 12 months from now', timeOf)
    .option('--reason <reason>', 'the organization sees it', text('reason', 200))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'org_01KJPV4G8R --amount-cents 5000',
        'org_01KJPV4G8R --amount-cents 5000 --kind bonus --reason "thanks for testing"',
      ),
    )
    .action((...given: Rest<typeof grant>) => grant(tools, ...given))
  return command
}

/** For options that are an amount. */
export function centsOf(value: string): bigint {
  if (/^[1-9]\d{0,14}$/.test(value)) return BigInt(value)
  throw new InvalidArgumentError('An amount is a whole number of cents, 1 or more.')
}

/** For options that are a time. */
export function timeOf(value: string): string {
  const time = new Date(value)
  if (/^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(time.getTime())) return time.toISOString()
  throw new InvalidArgumentError('A time looks like 2027-03-31T12:00:00Z.')
}

async function grant({ withSession, written }: AdminTools, named: string, options: GrantOptions): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const organizationId = await wholeIdOf({ db }, identified.organization, named)
    if ((await bus.load(organization, organizationId)).status === 'absent') throw organizationNotFound()
    const circumstances = context()
    const of = { organizationId, environment: options.environment }
    const { amountCents, kind: credits, expiresAt: endsAt = null, reason = null } = options
    const command = { kind: 'grant', wallet: of, credits, amountCents, endsAt, reason, at: circumstances.at } as const
    const handled = await bus.handle(wallet, walletIdOf(of), command, circumstances)
    const granted = handled.events.find((event) => event.type === 'firsthand.CreditsGranted.v1')
    const balance = Number(handled.state.balance)
    const value = { transaction_id: granted?.data.transactionId ?? null, balance_cents: balance, ...written(handled) }
    show(value, options, () => colours.green(`Granted ${amountCents} cents; the balance is ${balance}.`))
  })
}
