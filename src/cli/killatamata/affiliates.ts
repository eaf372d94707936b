/** `opslog killatamata affiliate`: applications that wait for people. */
import { Command } from 'commander'
import { affiliate, affiliateNotFound } from '../../commands/killatamata/affiliate.ts'
import { accountIdOfAffiliate } from '../../commands/killatamata/ids.ts'
import { isPrefixedId } from '../../runtime/ulid.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { colours, show } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

interface JsonOption {
  json?: boolean
}

export function affiliateCommand(tools: AdminTools): Command {
  const command = new Command('affiliate').description('approve affiliates')
  command
    .command('approve')
    .argument('<affiliate>', 'its id, or the beginning of it')
    .description('let a pending affiliate have a code and be paid')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('aff_01KJPV4G8R'))
    .action((affiliateId: string, options: JsonOption) => approve(tools, affiliateId, options))
  return command.addHelpText(
    'after',
    `
Examples:
  opslog killatamata affiliate approve aff_01KJPV4G8R0000000000000001

Exit codes: 0 done (or was so already), 1 there is no such affiliate, 2 wrong usage, 3 not reachable.`,
  )
}

async function approve({ withSession, written }: AdminTools, named: string, options: JsonOption): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const affiliateId = await wholeIdOf({ db }, identified.affiliate, named)
    if (!isPrefixedId('aff', affiliateId)) throw affiliateNotFound()
    const circumstances = context()
    const accountId = accountIdOfAffiliate(affiliateId)
    const order = { kind: 'approve', accountId, at: circumstances.at } as const
    const handled = await bus.handle(affiliate, accountId, order, circumstances)
    const of = { affiliate_id: affiliateId, account_id: accountId, status: handled.state.status }
    show({ ...of, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${affiliateId} is approved.`)
        : colours.yellow(`${affiliateId} was approved already; nothing was written.`),
    )
  })
}
