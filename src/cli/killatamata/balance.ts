/** `opslog killatamata balance`: the money of an account, what its open jobs hold, and its last postings. */
import { Command } from 'commander'
import { createLedgers } from '../../commands/killatamata/ledgers.ts'
import { usdText } from '../../commands/killatamata/money.ts'
import { Rejected } from '../../commands/killatamata/rejection.ts'
import { killatamataSettings } from '../../processes/killatamata/settings.ts'
import { existsAccount } from '../../projections/killatamata/account.ts'
import { findBalance, listPostings } from '../../projections/killatamata/ledger.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { LISTED_MAX, list, type OutputOptions, withOutput } from '../table-output.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

export const balanceCommand = (tools: AdminTools): Command =>
  withOutput(new Command('balance'))
    .description('what an account can spend, what is held, what it owes, and its last postings')
    .argument('<account>', 'its id, or the beginning of it')
    .addHelpText('after', examples('acct_01KJPV4G8R', 'acct_01KJPV4G8R --json'))
    .action((accountId: string, options: OutputOptions) => balance(tools, accountId, options))

/** The balance is of the log, the postings of the read models. Rejects with account_not_found. */
async function balance({ withSession, settings }: AdminTools, named: string, options: OutputOptions) {
  const { LEDGER_PERIOD_EVENTS_MAX: periodEventsMax } = settings(killatamataSettings)
  const found = await withSession(async ({ bus, db }) => {
    const accountId = await wholeIdOf({ db }, identified.account, named)
    if (!(await existsAccount(db, accountId))) {
      throw new Rejected('account_not_found', `There is no account ${accountId}.`)
    }
    const periodHint = async (id: string) => (await findBalance(db, id))?.period
    const ledgers = createLedgers(bus, { periodEventsMax, periodHint })
    const [balances, holds, postings] = await Promise.all([
      ledgers.balance(accountId),
      ledgers.openHolds(accountId),
      listPostings(db, accountId, LISTED_MAX),
    ])
    return { accountId, balances, holds, postings }
  })
  const { availableMicros, heldMicros, owedMicros } = found.balances
  const value = {
    account_id: found.accountId,
    ...{ available_micros: String(availableMicros), held_micros: String(heldMicros), owed_micros: String(owedMicros) },
    holds: found.holds.map(({ holdId, jobId, usdMicros, placedAt }) => ({
      ...{ hold_id: holdId, job_id: jobId, usd_micros: String(usdMicros), placed_at: placedAt },
    })),
    postings: found.postings,
  }
  const rows = found.postings.map((each) => [
    ...[each.posted_at, each.account, each.side, usdText(BigInt(each.usd_micros)), each.event_id],
  ])
  const holds = found.holds.map(({ holdId, usdMicros }) => `${holdId} holds ${usdText(usdMicros)}`)
  const behind = [
    `Available ${usdText(availableMicros)}, held ${usdText(heldMicros)}, owed ${usdText(owedMicros)} dollars.`,
    ...holds,
  ].join('\n')
  list(value, options, ['at', 'account', 'side', 'dollars', 'event'], rows, 'No money has moved.', behind)
}
