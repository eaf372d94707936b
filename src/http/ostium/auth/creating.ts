/** How an agent comes to be: its keys, its account on the chain, and what the trader has to sign for it. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { newAgentKey } from '../../../adapters/chain/account.ts'
import type { Address } from '../../../adapters/chain/address.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { type AgentState, agent, hasLapsed, traderIdOf } from '../../../commands/ostium/agent.ts'
import { generateAgentKey } from '../../../commands/ostium/api-key.ts'
import { approveCall, setDelegateCall } from '../../../commands/ostium/calldata.ts'
import { Rejected } from '../../../commands/ostium/rejection.ts'
import type { AgentFacts } from '../../../events/ostium/agent.ts'
import { destroyPrivateKey, saltOf, sealPrivateKey } from '../../../processes/ostium/agent-keys.ts'
import type { AgentRow } from '../../../projections/ostium/agent.ts'
import { ANYBODY, type OstiumParts } from '../access.ts'
import { askChain, requireDelegation, requireFunctions, requireMarket } from '../chain.ts'
import { transactionOf } from '../views.ts'

const KNOWN_POLL_MS = 5

/** Waits, within bounds, until this process knows of a key what its answer says. */
export async function untilKnown(
  { agents, limits }: Pick<OstiumParts, 'agents' | 'limits'>,
  textId: string,
  isWanted: (agent: AgentRow | undefined) => boolean,
): Promise<void> {
  const deadlineMs = performance.now() + limits.keyKnownWaitMs
  while (!isWanted(agents.find(textId)) && performance.now() < deadlineMs) await delay(KNOWN_POLL_MS)
}

/** Anybody may ask for it in anybody's name: without the trader's own signature on the chain it is good for nothing. */
export async function createAgent(parts: OstiumParts, trader: Address, command: CommandContext) {
  const { bus, limits, vaultKeys } = parts
  const market = requireMarket(parts.market)
  requireDelegation(market)
  requireFunctions(market, ['setDelegate', 'delegatedAction', 'delegations', 'approve', 'allowance'])
  const id = traderIdOf(market.chainId, trader)
  const before = await bus.current(agent, id)
  refuseSecond(before, command.at)
  const key = newAgentKey()
  const agentId = randomUUID()
  const place = { owner: key.address, trader, salt: saltOf(agentId) }
  const [allowance, smartAccount] = await askChain(market, (client) =>
    Promise.all([client.allowanceOf(trader), client.accountAddress(place)]),
  )
  const isApprovalNeeded = allowance < limits.approvalMin
  const { chainId, contracts } = market
  const apiKey = generateAgentKey()
  const facts: AgentFacts = {
    ...{ chainId, trader, agentId, agentWallet: key.address, smartAccount },
    sealedKey: await sealPrivateKey(vaultKeys, agentId, key.privateKey),
    ...{ apiKeyId: apiKey.keyId, apiKeyHash: apiKey.keyHash },
    delegateApprovalTx: transactionOf(trader, contracts.trading, setDelegateCall(smartAccount)),
    usdcApprovalTx: isApprovalNeeded
      ? transactionOf(trader, contracts.usdc, approveCall(contracts.tradingStorage, limits.approval))
      : null,
    pendingUntil: new Date(Date.parse(command.at) + limits.pendingTtlMs).toISOString(),
    occurredAt: command.at,
  }
  // One that nobody has verified in time gives way, its wallet first.
  if (before.status !== 'none') await destroyPrivateKey(vaultKeys, before.facts.agentId)
  const creating = { kind: 'create', facts, perHourMax: limits.agentsPerHourMax } as const
  try {
    const handled = await bus.handle(agent, id, creating, { ...command, actor: ANYBODY })
    await untilKnown(parts, apiKey.keyId, (known) => known !== undefined)
    const { delegateApprovalTx, usdcApprovalTx } = facts
    const answer = { apiKey: apiKey.key, smartAccountAddress: smartAccount, delegateApprovalTx, usdcApprovalTx }
    return { body: { ...answer, usdcApprovalRequired: isApprovalNeeded, chainId }, handled }
  } catch (error) {
    // Nothing was made of it: what was sealed for it goes.
    if (error instanceof Rejected) await destroyPrivateKey(vaultKeys, agentId)
    throw error
  }
}

/** Before anything is made for nothing; the decision itself asks again. */
function refuseSecond(state: AgentState, at: string): void {
  if (state.status === 'none' || hasLapsed(state, at)) return
  throw new Rejected('agent_exists', `The trader has an agent, which is ${state.status}.`)
}
