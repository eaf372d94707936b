/** POST /v1/auth/revoke and /v1/auth/verify-revoke. */
import { approveCall, removeDelegateCall } from '../../../commands/ostium/calldata.ts'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { type OstiumParts, write } from '../access.ts'
import { askChain, requireFunctions, requireMarket } from '../chain.ts'
import { headers, needsTrader, query, traderOf } from '../trader.ts'
import { agentRevoked, revokeBundle, transactionOf } from '../views.ts'
import { delegationAndAllowanceGone } from './ending.ts'
import { messageInput } from './inputs.ts'
import { endByMessage, issueMessage } from './messages.ts'

const common = { access: publicAccess, head: needsTrader, query, headers, tags: ['Auth'] }

export const authRevoke = write({
  ...{ path: '/v1/auth/revoke', id: 'authRevoke', ...common },
  summary: 'Get what revokes a verified agent',
  description:
    'The trader sends `removeDelegateTx`, and `usdcRevokeTx` where there is an allowance, signs the message, and finishes with `POST /v1/auth/verify-revoke`.',
  answers: { 200: json(revokeBundle, 'Transactions to send and the message to sign.') },
  refuses: [
    ...(['trader_missing', 'trader_malformed', 'agent_not_found', 'agent_not_verified'] as const),
    ...(['chain_unavailable', 'contract_differs', 'action_reverts'] as const),
  ],
  async handle({ headers, query, command, ...given }) {
    const parts = given as unknown as OstiumParts
    const trader = traderOf({ headers, query })
    const market = requireMarket(parts.market)
    requireFunctions(market, ['removeDelegate', 'approve'])
    const allowance = await askChain(market, (client) => client.allowanceOf(trader))
    const { trading, usdc, tradingStorage } = market.contracts
    const removeDelegateTx = transactionOf(trader, trading, removeDelegateCall())
    const usdcRevokeTx = allowance === 0n ? null : transactionOf(trader, usdc, approveCall(tradingStorage, 0n))
    const transactions = { removeDelegateTx, usdcRevokeTx }
    const { body, handled } = await issueMessage(parts, trader, 'revoke', command, transactions)
    return { status: 200, body: { ...transactions, ...body }, handled }
  },
})

export const authVerifyRevoke = write({
  ...{ path: '/v1/auth/verify-revoke', id: 'authVerifyRevoke', ...common },
  summary: 'Revoke an agent by the signed message',
  description:
    'The chain must have neither the delegation nor an allowance any more; until then the message stays good. Deletes the agent’s wallet and ends its key, for good.',
  body: messageInput,
  answers: { 200: json(agentRevoked, 'The agent is gone.') },
  refuses: [
    ...(['trader_missing', 'trader_malformed', 'agent_not_found', 'agent_not_verified', 'delegation_stands'] as const),
    ...(['message_unknown', 'message_used', 'message_expired', 'message_not_signed'] as const),
    ...(['chain_unavailable', 'action_reverts'] as const),
  ],
  async handle({ headers, query, body: { message, signature }, command, ...given }) {
    const parts = given as unknown as OstiumParts
    const signed = { trader: traderOf({ headers, query }), purpose: 'revoke' as const, signature, text: { message } }
    const ended = await endByMessage(parts, signed, 'revoke', delegationAndAllowanceGone, command)
    const { handled, ...told } = ended
    return { status: 200, body: { success: true, ...told }, handled }
  },
})
