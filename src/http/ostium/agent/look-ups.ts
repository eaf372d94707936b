/** GET /v1/agent/pending and /v1/agent/public, POST /v1/agent/remove: what there is, without changing it. */
import { agentNotFound, traderIdOf } from '../../../commands/ostium/agent.ts'
import { removeDelegateCall } from '../../../commands/ostium/calldata.ts'
import { findAgent } from '../../../projections/ostium/agent.ts'
import { findLatestChallenge } from '../../../projections/ostium/challenge.ts'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { type OstiumParts, operation, read } from '../access.ts'
import { requireFunctions, requireMarket } from '../chain.ts'
import { headers, needsTrader, query, traderOf } from '../trader.ts'
import { delegateRemoval, pendingAgent, publicAgent, transactionOf } from '../views.ts'

const common = { access: publicAccess, head: needsTrader, query, headers, tags: ['Agent'] }

type Asked = Parameters<typeof traderOf>[0]

/** The agent as the read models have it; undefined: there is none. */
async function agentOf({ market: access, db }: Pick<OstiumParts, 'market' | 'db'>, asked: Asked) {
  const market = requireMarket(access)
  const trader = traderOf(asked)
  return { market, trader, agent: await findAgent(db, traderIdOf(market.chainId, trader)) }
}

export const agentPending = read({
  ...{ path: '/v1/agent/pending', id: 'agentPending', ...common },
  summary: 'The agent that waits to be verified (older name)',
  description: 'With the latest message that cancels it, if one is good. Makes nothing.',
  answer: json(pendingAgent, 'Whether there is one, and what it is.'),
  refuses: ['trader_missing', 'trader_malformed', 'chain_unavailable'],
  async handle(asked) {
    const { agent } = await agentOf(asked, asked)
    if (agent?.status !== 'pending') return { hasPending: false }
    const latest = await findLatestChallenge(asked.db, agent.agent_id, 'cancel', asked.clock().toISOString())
    return {
      ...{ hasPending: true, smartAccountAddress: agent.smart_account, agentWalletAddress: agent.agent_wallet },
      ...{ createdAt: agent.created_at, isVerified: false },
      ...(latest && { nonce: latest.nonce, expiresAt: latest.expires_at }),
    }
  },
})

export const agentPublic = read({
  ...{ path: '/v1/agent/public', id: 'agentPublic', ...common },
  summary: 'The agent’s addresses (older name)',
  description: 'The address of its key, and of its account on the chain.',
  answer: json(publicAgent, 'The addresses.'),
  refuses: ['trader_missing', 'trader_malformed', 'agent_not_found', 'chain_unavailable'],
  async handle(asked) {
    const { agent } = await agentOf(asked, asked)
    if (!agent) throw agentNotFound()
    return { agentWalletAddress: agent.agent_wallet, smartAccountAddress: agent.smart_account }
  },
})

export const agentRemove = operation({
  ...{ method: 'post', path: '/v1/agent/remove', id: 'agentRemove', ...common },
  isRead: true,
  summary: 'The transaction that removes the delegation (older name)',
  description: 'Changes nothing here: the agent ends by `POST /v1/auth/revoke`.',
  answers: { 200: json(delegateRemoval, 'The transaction.') },
  refuses: ['trader_missing', 'trader_malformed', 'agent_not_found', 'chain_unavailable', 'contract_differs'],
  async handle(asked) {
    const { market, trader, agent } = await agentOf(asked, asked)
    if (!agent) throw agentNotFound()
    requireFunctions(market, ['removeDelegate'])
    const removeDelegateTx = transactionOf(trader, market.contracts.trading, removeDelegateCall())
    return { status: 200, body: { removeDelegateTx, smartAccountAddress: agent.smart_account } }
  },
})
