/** `opslog admin rungate account`: list, suspend, resume, and the limits that only the house sets. */
import { Command, InvalidArgumentError } from 'commander'
import { type AccountCommand, account } from '../../commands/rungate/account.ts'
import { Rejected } from '../../commands/rungate/rejection.ts'
import { type Tier, tier } from '../../events/rungate/vocabulary.ts'
import { listAccounts } from '../../projections/rungate/account.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { colours, show, text } from '../terminal.ts'
import { accountIdOf } from './tenant.ts'

interface JsonOption {
  json?: boolean
}
type WithoutTime<C> = C extends { at: string } ? Omit<C, 'at'> : never
type Change = WithoutTime<Exclude<AccountCommand, { kind: 'register' }>>

export function accountCommand(tools: AdminTools): Command {
  const command = new Command('account').description('list and suspend accounts, and set their limits')
  for (const kind of ['suspend', 'resume'] as const) {
    command
      .command(kind)
      .argument('<account>', 'its slug, its id, or the beginning of it')
      .description(kind === 'suspend' ? 'stop its tokens and keys from working' : 'let its tokens and keys work again')
      .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
      .option('--json', 'print JSON')
      .addHelpText('after', examples(kind === 'suspend' ? 'acme --reason "unpaid invoices"' : 'acme'))
      .action((of: string, { reason = null, ...options }: JsonOption & { reason?: string | null }) =>
        change(tools, of, { kind, reason }, options),
      )
  }
  command
    .command('tier')
    .argument('<account>', 'its slug, its id, or the beginning of it')
    .argument('<tier>', tier.options.join(', '), tierOf)
    .description('put the account on another tier')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('acme pro'))
    .action((of: string, given: Tier, options: JsonOption) =>
      change(tools, of, { kind: 'changeTier', tier: given }, options),
    )
  command
    .command('step-limit')
    .argument('<account>', 'its slug, its id, or the beginning of it')
    .argument('<steps>', 'steps of a calendar month, or `none` for those of the tier', stepsOf)
    .description('bound the steps that the account may take in a month')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('acme 10000', 'acme none'))
    .action((of: string, stepLimit: number | 'none', options: JsonOption) =>
      change(tools, of, { kind: 'setStepLimit', stepLimit: stepLimit === 'none' ? null : stepLimit }, options),
    )
  withOutput(command.command('list'))
    .description('all accounts, oldest first')
    .addHelpText('after', examples())
    .action((options: OutputOptions) => list(tools, options))
  return command.addHelpText(
    'after',
    `
Examples:
  opslog rungate account list
  opslog rungate account step-limit acme 10000
  opslog rungate account suspend acme --reason unpaid

Of a suspended account every token, key and session is refused within a second.

Exit codes: 0 done (or was so already), 1 there is no such account, 2 wrong usage, 3 not reachable.`,
  )
}

function tierOf(value: string): Tier {
  const given = tier.safeParse(value)
  if (given.success) return given.data
  throw new InvalidArgumentError(`A tier is one of ${tier.options.join(', ')}.`)
}

const STEPS_MAX = 2_147_483_647

function stepsOf(value: string): number | 'none' {
  if (value === 'none') return value
  const steps = Number(value)
  if (/^\d{1,10}$/.test(value) && steps > 0 && steps <= STEPS_MAX) return steps
  throw new InvalidArgumentError(`A limit is a whole number from 1 to ${STEPS_MAX}, or none.`)
}

async function change(
  { withSession, written }: AdminTools,
  slugOrId: string,
  of: Change,
  options: JsonOption,
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const accountId = await accountIdOf({ bus, db }, slugOrId)
    if (accountId === undefined) throw new Rejected('account_not_found', `There is no account ${slugOrId}.`)
    const circumstances = context()
    const handled = await bus.handle(account, accountId, { ...of, at: circumstances.at }, circumstances)
    show({ account_id: accountId, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${slugOrId} is changed.`)
        : colours.yellow(`${slugOrId} was so already; nothing was written.`),
    )
  })
}

async function list({ withSession }: AdminTools, options: OutputOptions): Promise<void> {
  const accounts = await withSession(({ db }) => listAccounts(db))
  const rows = accounts.map((row) => [
    ...[row.account_id, row.slug, row.name],
    row.status === 'active' ? colours.green(row.status) : colours.red(row.status),
    ...[row.tier, row.step_limit === null ? 'by tier' : String(row.step_limit), row.created_at],
  ])
  printList(
    accounts,
    options,
    ['account', 'slug', 'name', 'status', 'tier', 'steps a month', 'created'],
    rows,
    'There are no accounts: they register at POST /rungate/v1/register',
  )
}
