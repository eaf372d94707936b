/** Whether the trader has made the agent's account a delegate: what the chain says, and what follows for the agent. */
import type { Address } from '../../../adapters/chain/address.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { agent } from '../../../commands/ostium/agent.ts'
import type { AgentCaller, OstiumParts } from '../access.ts'
import { askChain, requireMarket } from '../chain.ts'
import { untilKnown } from './creating.ts'

/** The allowance is told and not judged: a position that is closed needs none. */
export async function verifyAgent(parts: OstiumParts, { agent: own }: AgentCaller, command: CommandContext) {
  const market = requireMarket(parts.market)
  const { agent_id: agentId, trader_id: id, smart_account: smartAccountAddress, api_key_id: textId } = own
  const standing = await askChain(market, (client) => client.standingOf(own.trader as Address))
  const { delegatedTo, blockNumber } = standing
  const allowance = String(standing.allowance)
  const facts = { agentId, delegatedTo, allowance, blockNumber: String(blockNumber), at: command.at }
  const handled = await parts.bus.handle(agent, id, { kind: 'verify', ...facts }, command)
  const verified = delegatedTo === smartAccountAddress
  await untilKnown(parts, textId, (known) => known === undefined || (known.status === 'verified') === verified)
  return { body: { verified, smartAccountAddress, allowance }, handled }
}
