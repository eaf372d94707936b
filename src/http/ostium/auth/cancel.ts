/** POST /v1/auth/cancel and /v1/auth/verify-cancel. */
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { type OstiumParts, write } from '../access.ts'
import { headers, needsTrader, query, traderOf } from '../trader.ts'
import { actionMessage, agentEnded } from '../views.ts'
import { anyStanding } from './ending.ts'
import { messageInput } from './inputs.ts'
import { endByMessage, issueMessage } from './messages.ts'

const common = { access: publicAccess, head: needsTrader, query, headers, tags: ['Auth'] }

export const authCancel = write({
  ...{ path: '/v1/auth/cancel', id: 'authCancel', ...common },
  summary: 'Get the message that cancels a pending agent',
  description: 'Each call makes another message; older ones stay good until they expire.',
  answers: { 200: json(actionMessage, 'The message to sign.') },
  refuses: [
    ...(['trader_missing', 'trader_malformed', 'agent_not_found', 'agent_not_pending'] as const),
    'chain_unavailable',
  ],
  async handle({ headers, query, command, ...parts }) {
    const trader = traderOf({ headers, query })
    const { body, handled } = await issueMessage(parts as unknown as OstiumParts, trader, 'cancel', command)
    return { status: 200, body, handled }
  },
})

export const authVerifyCancel = write({
  ...{ path: '/v1/auth/verify-cancel', id: 'authVerifyCancel', ...common },
  summary: 'Cancel a pending agent by the signed message',
  description: 'Deletes the agent’s wallet and ends its key, for good.',
  body: messageInput,
  answers: { 200: json(agentEnded, 'The agent is gone.') },
  refuses: [
    ...(['trader_missing', 'trader_malformed', 'agent_not_found', 'agent_not_pending'] as const),
    ...(['message_unknown', 'message_used', 'message_expired', 'message_not_signed'] as const),
    ...(['chain_unavailable', 'action_reverts'] as const),
  ],
  async handle({ headers, query, body: { message, signature }, command, ...parts }) {
    const signed = { trader: traderOf({ headers, query }), purpose: 'cancel' as const, signature, text: { message } }
    const ended = await endByMessage(parts as unknown as OstiumParts, signed, 'cancel', anyStanding, command)
    const { smartAccountAddress, delegatedTo, handled } = ended
    return { status: 200, body: { success: true, mode: 'cancel' as const, smartAccountAddress, delegatedTo }, handled }
  },
})
