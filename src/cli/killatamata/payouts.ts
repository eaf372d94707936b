/** `opslog killatamata payout`: requests of affiliates, which people pay outside, or reject. */
import { Command } from 'commander'
import { affiliate } from '../../commands/killatamata/affiliate.ts'
import { usdText } from '../../commands/killatamata/money.ts'
import { Rejected } from '../../commands/killatamata/rejection.ts'
import { findPayoutRequest, listOpenPayoutRequests } from '../../projections/killatamata/affiliate.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { LISTED_MAX, type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { colours, show, text } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

interface JsonOption {
  json?: boolean
}
type Decision = { kind: 'pay'; reference: string } | { kind: 'reject'; reason: string }

const REFERENCE_LENGTH_MAX = 200
const REASON_LENGTH_MAX = 1_000

export function payoutCommand(tools: AdminTools): Command {
  const command = new Command('payout').description('list, pay and reject what affiliates have requested')
  withOutput(command.command('list'))
    .description('requests that wait for a decision, the oldest first')
    .addHelpText('after', examples())
    .action((options: OutputOptions) => list(tools, options))
  command
    .command('pay')
    .argument('<request>', 'its id, or the beginning of it')
    .description('note that the amount was paid; the money itself goes another way')
    .requiredOption('--reference <text>', 'how the payment is called', text('reference', REFERENCE_LENGTH_MAX))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('prq_01KJPV4G8R --reference "wire 7"'))
    .action((id: string, { reference, ...options }: JsonOption & { reference: string }) =>
      decide(tools, id, { kind: 'pay', reference }, options),
    )
  command
    .command('reject')
    .argument('<request>', 'its id, or the beginning of it')
    .description('give the amount back to what the affiliate can request')
    .requiredOption('--reason <text>', 'kept in the record', text('reason', REASON_LENGTH_MAX))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('prq_01KJPV4G8R --reason "the account is closed"'))
    .action((id: string, { reason, ...options }: JsonOption & { reason: string }) =>
      decide(tools, id, { kind: 'reject', reason }, options),
    )
  return command.addHelpText(
    'after',
    `
Examples:
  opslog killatamata payout list
  opslog killatamata payout pay prq_01KJPV4G8R0000000000000001 --reference "wire 7"

Exit codes: 0 done (or was so already), 1 there is no such request or it is decided otherwise, 2 wrong usage, 3 not reachable.`,
  )
}

async function list({ withSession }: AdminTools, options: OutputOptions): Promise<void> {
  const requests = await withSession(({ db }) => listOpenPayoutRequests(db, LISTED_MAX))
  const shown = requests.map((row) => ({
    ...{ payout_request_id: row.payout_request_id, affiliate_id: row.affiliate_id, account_id: row.account_id },
    ...{ usd_micros: row.usd_micros, payout_address: row.payout_address, note: row.note, created_at: row.created_at },
  }))
  const rows = shown.map((each) => [
    ...[each.payout_request_id, each.affiliate_id, usdText(BigInt(each.usd_micros))],
    ...[each.payout_address ?? '', each.note ?? '', each.created_at],
  ])
  const head = ['request', 'affiliate', 'dollars', 'address', 'note', 'requested']
  printList(shown, options, head, rows, 'No payout request waits for a decision.')
}

async function decide(
  { withSession, written }: AdminTools,
  named: string,
  decision: Decision,
  options: JsonOption,
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const payoutRequestId = await wholeIdOf({ db }, identified.payoutRequest, named)
    const row = await findPayoutRequest(db, payoutRequestId)
    if (!row) throw new Rejected('payout_request_not_found', `There is no payout request ${payoutRequestId}.`)
    const circumstances = context()
    const accountId = row.account_id
    const order = { ...decision, accountId, payoutRequestId, at: circumstances.at }
    const handled = await bus.handle(affiliate, accountId, order, circumstances)
    const status = decision.kind === 'pay' ? 'paid' : 'rejected'
    const of = { payout_request_id: payoutRequestId, account_id: accountId, usd_micros: row.usd_micros }
    show({ ...of, status, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${payoutRequestId} is ${status}.`)
        : colours.yellow(`${payoutRequestId} was ${status} already; nothing was written.`),
    )
  })
}
