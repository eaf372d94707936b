/** `opslog ostium fund`: gas and USDC for an address of the local chain, where neither is worth anything. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { PLACES, unitsOf } from '../../commands/ostium/decimals.ts'
import type { AdminTools } from '../admin-tools.ts'
import { CliError, EXIT, show } from '../terminal.ts'
import type { FactTools } from './chain-facts.ts'

interface Options {
  ether: bigint
  usdc: bigint
  json?: boolean
}

/** Less than this can be added to any balance, again and again. */
const UNITS_MAX = 2n ** 128n

const amount = (places: number) => (text: string) => {
  const units = unitsOf(text, places)
  if (units === undefined || units < 0n) throw new InvalidArgumentError('An amount is a decimal such as 10.5.')
  if (units >= UNITS_MAX) throw new InvalidArgumentError('That is more than the chain can count.')
  return units
}
const ETHER_PLACES = 18

/** The help cannot show a bigint by itself. */
const asked = (flags: string, places: number, units: bigint, shown: string): Option =>
  new Option(flags, 'how much of it').argParser(amount(places)).default(units, shown)

export function fundCommand(tools: AdminTools): Command {
  return new Command('fund')
    .description('give an address gas and USDC on the local chain')
    .argument('<address>', 'of the account')
    .addOption(asked('--ether <amount>', ETHER_PLACES, 10n ** 19n, '10'))
    .addOption(asked('--usdc <amount>', PLACES.usdc, 10_000_000_000n, '10000'))
    .option('--json', 'print JSON')
    .action((address: string, options: Options) => run(tools, address, options))
    .addHelpText('after', '\nExamples:\n  opslog ostium fund 0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21 --usdc 5000')
}

async function run(tools: FactTools, given: string, options: Options): Promise<void> {
  const [{ checksummed, isAddress, ZERO_ADDRESS }, { fundOnLocalChain }, { chainFactsOf }, { unlessAway }] =
    await Promise.all([
      import('../../adapters/chain/address.ts'),
      import('../../embedded/market/fund.ts'),
      import('./chain-facts.ts'),
      import('./unless-away.ts'),
    ])
  if (!isAddress(given)) throw new CliError(EXIT.usage, `${given} is no address: 0x and 40 hex digits.`)
  if (given === ZERO_ADDRESS) throw new CliError(EXIT.usage, 'The zero address is no account.')
  const { rpcUrl, network, contracts } = chainFactsOf(tools)
  if (network !== 'local') {
    throw new CliError(
      EXIT.refused,
      `The chain is ${network}.`,
      'Only the chain of an instance itself gives money away.',
    )
  }
  const address = checksummed(given)
  const { ether, usdc: usdcUnits } = options
  await unlessAway(fundOnLocalChain({ rpcUrl, usdc: contracts.usdc, address, ether, usdcUnits }))
  const funded = { address, wei: String(ether), usdc: String(usdcUnits) }
  show(funded, options, () => `${address} has been given ${ether} wei and ${usdcUnits} millionths of USDC.`)
}
