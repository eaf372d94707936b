/** `opslog killatamata admin`: accounts that may review. */
import { Command } from 'commander'
import { account } from '../../commands/killatamata/account.ts'
import { Rejected } from '../../commands/killatamata/rejection.ts'
import { isPrefixedId } from '../../runtime/ulid.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { colours, show } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

interface JsonOption {
  json?: boolean
}

export function adminCommand(tools: AdminTools): Command {
  const command = new Command('admin').description('say which accounts may review')
  for (const [name, isAdmin] of [
    ['grant', true],
    ['revoke', false],
  ] as const) {
    command
      .command(name)
      .argument('<account>', 'its id, or the beginning of it')
      .description(isAdmin ? 'let the account review releases' : 'take the mark away')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('acct_01KJPV4G8R'))
      .action((accountId: string, options: JsonOption) => mark(tools, accountId, isAdmin, options))
  }
  return command.addHelpText(
    'after',
    '\nExit codes: 0 done (or was so already), 1 there is no such account, 2 wrong usage, 3 not reachable.',
  )
}

async function mark(
  { withSession, written }: AdminTools,
  named: string,
  isAdmin: boolean,
  options: JsonOption,
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const accountId = await wholeIdOf({ db }, identified.account, named)
    if (!isPrefixedId('acct', accountId)) {
      throw new Rejected('account_not_found', `There is no account ${accountId}.`)
    }
    const circumstances = context()
    const order = { kind: 'setAdmin', accountId, isAdmin, at: circumstances.at } as const
    const handled = await bus.handle(account, accountId, order, circumstances)
    show({ account_id: accountId, is_admin: isAdmin, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${accountId} may ${isAdmin ? '' : 'not '}review.`)
        : colours.yellow(`${accountId} was so already; nothing was written.`),
    )
  })
}
