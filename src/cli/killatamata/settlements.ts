/** `opslog killatamata settlements`: payments that nobody has opened here or that are not what was sold, and whose they are. */
import { Command } from 'commander'
import { settlementIdOf } from '../../commands/killatamata/ids.ts'
import { createLedgers } from '../../commands/killatamata/ledgers.ts'
import { microsOfCents, usdText } from '../../commands/killatamata/money.ts'
import { Rejected } from '../../commands/killatamata/rejection.ts'
import { settlement } from '../../commands/killatamata/settlement.ts'
import { checkoutProvider } from '../../events/killatamata/vocabulary.ts'
import { credit } from '../../processes/killatamata/purchasing.ts'
import { killatamataSettings } from '../../processes/killatamata/settings.ts'
import { existsAccount } from '../../projections/killatamata/account.ts'
import { findBalance } from '../../projections/killatamata/ledger.ts'
import { listSettlements } from '../../projections/killatamata/payment.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { LISTED_MAX, list, type OutputOptions, withOutput } from '../table-output.ts'
import { CliError, colours, EXIT, show, text } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

const REASON_LENGTH_MAX = 200

interface CreditOptions {
  account: string
  reason: string
  json?: boolean
}

export function settlementsCommand(tools: AdminTools): Command {
  const command = new Command('settlements').description('payments that somebody has to look at')
  withOutput(command.command('list'))
    .description('the newest first')
    .option('--unmatched', 'those that nobody here has opened')
    .option('--mismatched', 'those that are not what was sold')
    .addHelpText('after', examples('--unmatched', '--mismatched'))
    .action((options: OutputOptions & Wanted) => listed(tools, options))
  command
    .command('credit')
    .description('credit such a payment to an account, once')
    .argument('<provider>', 'stripe or coinbase')
    .argument('<id>', 'what the provider calls it')
    .requiredOption('--account <account>', 'whose it is')
    .requiredOption('--reason <text>', 'kept in the record; nothing personal', text('reason', REASON_LENGTH_MAX))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('stripe cs_live_1e5ce6681c33 --account acct_01KJPV4G8R --reason "ticket 4711"'))
    .action((provider: string, id: string, options: CreditOptions) => credited(tools, provider, id, options))
  return command
}

const amount = (cents: string | null): string => usdText(microsOfCents(BigInt(cents ?? 0)))

interface Wanted {
  unmatched?: boolean
  mismatched?: boolean
}

async function listed({ withSession }: AdminTools, options: OutputOptions & Wanted): Promise<void> {
  if (options.unmatched === options.mismatched) throw new CliError(EXIT.usage, 'say --unmatched or --mismatched')
  const status = options.unmatched ? 'unmatched' : 'mismatched'
  const found = await withSession(({ db }) => listSettlements(db, status, LISTED_MAX))
  const rows = found.map((each) => [
    ...[each.provider, each.provider_id, `${amount(each.paid_cents)} ${each.paid_currency}`],
    ...[status === 'mismatched' ? amount(each.usd_cents) : '', each.account_id ?? '', each.noticed_at],
  ])
  const columns = ['provider', 'id', 'paid', 'dollars sold', 'account', 'noticed at']
  list(found, options, columns, rows, `No payment is ${status}.`)
}

/** Rejects with checkout_not_found or account_not_found. */
async function credited(tools: AdminTools, given: string, providerId: string, options: CreditOptions): Promise<void> {
  const provider = checkoutProvider.safeParse(given)
  if (!provider.success) throw new CliError(EXIT.usage, `${given} is no provider: stripe or coinbase`)
  const { LEDGER_PERIOD_EVENTS_MAX: periodEventsMax } = tools.settings(killatamataSettings)
  await tools.withSession(async ({ bus, db, context }) => {
    const accountId = await wholeIdOf({ db }, identified.account, options.account)
    if (!(await existsAccount(db, accountId))) {
      throw new Rejected('account_not_found', `There is no account ${accountId}.`)
    }
    const circumstances = context()
    const periodHint = async (id: string) => (await findBalance(db, id))?.period
    const ledgers = createLedgers(bus, { periodEventsMax, periodHint })
    const settlementId = settlementIdOf(provider.data, providerId)
    const period = await ledgers.period(accountId)
    const { reason } = options
    const resolve = { kind: 'resolve', settlementId, accountId, period, reason, at: circumstances.at } as const
    const handled = await bus.handle(settlement, settlementId, resolve, circumstances)
    const { state } = handled
    if (state.status !== 'confirmed') throw new Rejected('checkout_not_found', `${providerId} waits for nobody.`)
    // After a crash here the sweep does the same.
    await credit({ bus, ledgers }, state.notice, state.credit, circumstances)
    const value = {
      ...{ settlement_id: settlementId, account_id: state.notice.accountId, deposit_id: state.credit.depositId },
      ...{ usd_cents: String(state.credit.usdCents), ...tools.written(handled) },
    }
    show(value, options, () =>
      handled.events.length > 0
        ? colours.green(`Credited ${state.credit.usdCents} cents to ${accountId}.`)
        : `It was credited to ${state.notice.accountId} before.`,
    )
  })
}
