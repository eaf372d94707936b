/** POST /v1/agent/revoke: the key asks for its own end, whatever the chain still has. */
import { agent } from '../../../commands/ostium/agent.ts'
import { removeDelegateCall } from '../../../commands/ostium/calldata.ts'
import { destroyPrivateKey } from '../../../processes/ostium/agent-keys.ts'
import { json } from '../../answers.ts'
import { livingAgent, write } from '../access.ts'
import { untilKnown } from '../auth/creating.ts'
import { requireFunctions, requireMarket } from '../chain.ts'
import { keyHeaders, needsTrader, query } from '../trader.ts'
import { keyRevoked, transactionOf } from '../views.ts'

export const revokeAgent = write({
  ...{ path: '/v1/agent/revoke', id: 'revokeAgent', tags: ['Agent'] },
  summary: 'Revoke the agent by its key (older name)',
  description:
    'The key dies and the agent’s wallet is deleted at once. What the chain still has is a delegate that nobody can sign for, until `removeDelegateTx` is sent.',
  ...{ access: livingAgent, head: needsTrader, query, headers: keyHeaders },
  answers: { 200: json(keyRevoked, 'The transaction that removes the delegation.') },
  refuses: ['trader_missing', 'trader_malformed', 'agent_not_found', 'chain_unavailable', 'contract_differs'],
  async handle({ principal, bus, market: access, vaultKeys, agents, limits, command }) {
    const { trader, agent: own } = principal
    const market = requireMarket(access)
    requireFunctions(market, ['removeDelegate'])
    const { agent_id: agentId, trader_id: id, api_key_id: textId } = own
    const ended = { agentId, nonce: null, at: command.at, isDestroyed: true }
    const revoking = { kind: 'revoke', by: 'key', standing: null, ...ended } as const
    const handled = await bus.handle(agent, id, revoking, command, async () => {
      await destroyPrivateKey(vaultKeys, agentId)
    })
    await untilKnown({ agents, limits }, textId, (known) => known === undefined)
    const removeDelegateTx = transactionOf(trader, market.contracts.trading, removeDelegateCall())
    return { status: 200, body: { removeDelegateTx }, handled }
  },
})
