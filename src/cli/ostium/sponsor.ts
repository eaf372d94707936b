/** `opslog ostium sponsor`: the account that pays for gas, its ether, its next nonce, and what is on its way. */
import { Command } from 'commander'
import { sponsor, sponsorIdOf } from '../../commands/ostium/sponsor.ts'
import { ostiumSettings } from '../../processes/ostium/settings.ts'
import { findActionsUnderWay, findLastSponsor } from '../../projections/ostium/action.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { LISTED_MAX } from '../table-output.ts'
import { CliError, EXIT, facts, show } from '../terminal.ts'

const WEI_PER_ETHER = 1e18
const TIMEOUT_MS = 5_000
const ANSWER_MAX_BYTES = 1_048_576

export function sponsorCommand(tools: AdminTools): Command {
  return new Command('sponsor')
    .description('the account that pays for gas: its ether, its next nonce, and what is on its way')
    .option('--json', 'print JSON')
    .addHelpText('after', examples())
    .action((options: { json?: boolean }) => run(tools, options))
}

async function run({ withSession, ...tools }: AdminTools, options: { json?: boolean }): Promise<void> {
  const [{ openChain }, { addressOfKey }, { chainFactsOf }] = await Promise.all([
    import('../../adapters/chain/client.ts'),
    import('../../adapters/chain/account.ts'),
    import('./chain-facts.ts'),
  ])
  const known = chainFactsOf(tools)
  const { OSTIUM_SPONSOR_KEY: key } = tools.settings(ostiumSettings)
  const { chainId, rpcUrl, contracts } = known
  const found = await withSession(async ({ db, bus }) => {
    const address = key === undefined ? await findLastSponsor(db, chainId) : addressOfKey(key as `0x${string}`)
    if (address === undefined) return undefined
    const underWay = await findActionsUnderWay(db, chainId, LISTED_MAX)
    return { address, underWay, state: await bus.current(sponsor, sponsorIdOf(chainId, address)) }
  })
  if (!found) throw new CliError(EXIT.refused, 'No sponsor is known: it has paid for nothing yet.')
  const { address, underWay, state } = found
  const client = openChain({ rpcUrl, chainId, contracts, timeoutMs: TIMEOUT_MS, answerMaxBytes: ANSWER_MAX_BYTES })
  const wei = await client.etherOf(address as `0x${string}`).finally(() => client.close())
  const value = { address, wei: String(wei), next_nonce: state.next ?? null, in_flight: underWay.length }
  show(value, options, () =>
    facts([
      ['sponsor', address],
      ['ether', (Number(wei) / WEI_PER_ETHER).toFixed(6)],
      ['next nonce', String(state.next ?? 'none was taken')],
      ['on its way', String(underWay.length)],
    ]),
  )
}
