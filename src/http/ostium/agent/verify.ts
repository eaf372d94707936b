/** POST /v1/agent/verify: the older name of three operations, told apart by the body's `mode`. */
import { z } from '@hono/zod-openapi'
import { either, publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { optionalBody } from '../../body.ts'
import { Problem } from '../../errors.ts'
import { livingAgent, type OstiumParts, write } from '../access.ts'
import { anyStanding, delegationGone } from '../auth/ending.ts'
import { modeInput } from '../auth/inputs.ts'
import { endByMessage } from '../auth/messages.ts'
import { verifyAgent as verify } from '../auth/verifying.ts'
import { needsTrader, optionalKeyHeaders, query, traderOf } from '../trader.ts'
import { agentEnded, agentVerified } from '../views.ts'

/** A body that names no mode is none. */
const withoutMode = (given: unknown) =>
  typeof given === 'object' && given !== null && !Array.isArray(given) && !('mode' in given) ? undefined : given

export const verifyAgent = write({
  ...{ path: '/v1/agent/verify', id: 'verifyAgent', tags: ['Agent'] },
  summary: 'Verify an agent, or end it by a signed message (older name)',
  description: [
    'Without `mode` as `POST /v1/auth/verify-auth`, with the agent’s key.',
    '`mode` needs no key: `cancel` is `POST /v1/auth/verify-cancel` for a message of `POST /v1/auth/cancel`. `reset` takes a message of `POST /v1/auth/revoke` and needs the delegation to be gone, but not the allowance.',
  ].join('\n\n'),
  ...{ access: either(livingAgent, publicAccess), head: needsTrader, query, headers: optionalKeyHeaders },
  body: optionalBody(z.preprocess(withoutMode, modeInput.optional())),
  answers: { 200: json(z.union([agentVerified, agentEnded]), 'What the chain says, or that the agent is gone.') },
  refuses: [
    ...(['trader_missing', 'trader_malformed', 'agent_not_found', 'agent_not_pending', 'agent_not_verified'] as const),
    ...(['message_unknown', 'message_used', 'message_expired', 'message_not_signed', 'delegation_stands'] as const),
    ...(['chain_unavailable', 'action_reverts'] as const),
  ],
  async handle({ principal, headers, query, body, command, ...given }) {
    const parts = given as unknown as OstiumParts
    if (body === undefined) {
      if (!principal) throw new Problem('credential_missing', 'Send the API key of the trader’s agent: X-API-Key.')
      const { body: answer, handled } = await verify(parts, principal, command)
      return { status: 200, body: answer, handled }
    }
    const { mode, nonce, expiresAt, signature } = body
    const purpose = mode === 'cancel' ? ('cancel' as const) : ('revoke' as const)
    const signed = { trader: traderOf({ headers, query }), purpose, signature, text: { nonce, expiresAt } }
    const check = mode === 'cancel' ? anyStanding : delegationGone
    const ended = await endByMessage(parts, signed, mode, check, command)
    const { smartAccountAddress, delegatedTo, handled } = ended
    return { status: 200, body: { success: true, mode, smartAccountAddress, delegatedTo }, handled }
  },
})
