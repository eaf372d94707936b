/**
 * Messages that end an agent once its trader has signed them: how one is issued, and how it is looked at when it comes back. The
 * order of the checks is what callers can rely on: one that failed is not used up.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Address } from '../../../adapters/chain/address.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { agent, agentNotFound, type LivingAgent, type Standing, traderIdOf } from '../../../commands/ostium/agent.ts'
import { challenge, messageOf, nonceIn } from '../../../commands/ostium/challenge.ts'
import { Rejected } from '../../../commands/ostium/rejection.ts'
import type { ChallengeFacts, Purpose } from '../../../events/ostium/challenge.ts'
import { destroyPrivateKey } from '../../../processes/ostium/agent-keys.ts'
import type { Market } from '../../../processes/ostium/market.ts'
import { Problem } from '../../errors.ts'
import { refuseBeyond } from '../../rate-limit.ts'
import { ANYBODY, type OstiumParts } from '../access.ts'
import { askChain, requireMarket } from '../chain.ts'
import type { OstiumCode } from '../errors.ts'

const SERVICE = 'opslog ostium'
const NONCE_BYTES = 32
const NONCE = /^0x[0-9a-f]{64}$/
const isSameTime = (one: string, other: string): boolean => Date.parse(one) === Date.parse(other)

/** The trader's agent as it is now. Rejects with agent_not_found. */
export async function livingAgentOf(parts: OstiumParts, { chainId }: Market, trader: Address): Promise<LivingAgent> {
  const state = await parts.bus.current(agent, traderIdOf(chainId, trader))
  if (state.status === 'none') throw agentNotFound()
  return state
}

/** Of an agent that is verified, or was: only its trader can end it. */
const isOf = (purpose: Purpose, { status }: LivingAgent): boolean => (status === 'pending') === (purpose === 'cancel')

function refuseState(purpose: Purpose, state: LivingAgent): void {
  if (isOf(purpose, state)) return
  throw purpose === 'cancel'
    ? new Rejected('agent_not_pending', `The agent is ${state.status}; revoke it instead of cancelling it.`)
    : new Rejected('agent_not_verified', 'The agent was never verified; cancel it instead.')
}

/** A new message, beside those of before. Rejects where the agent is not what the message is for. */
export async function issueMessage(
  parts: OstiumParts,
  trader: Address,
  purpose: Purpose,
  command: CommandContext,
  transactions: Pick<ChallengeFacts, 'removeDelegateTx' | 'usdcRevokeTx'> = {
    removeDelegateTx: null,
    usdcRevokeTx: null,
  },
) {
  const { bus, limits, messagesOf } = parts
  const market = requireMarket(parts.market)
  const { chainId } = market
  const state = await livingAgentOf(parts, market, trader)
  refuseState(purpose, state)
  const max = limits.messagesPerHourMax
  const refusal = refuseBeyond(max, messagesOf(traderIdOf(chainId, trader)), `A trader gets ${max} messages an hour.`)
  if (refusal) throw refusal
  const { agentId, smartAccount } = state.facts
  const nonce = `0x${randomBytes(NONCE_BYTES).toString('hex')}`
  const expiresAt = new Date(Date.parse(command.at) + limits.messageTtlMs).toISOString()
  const message = messageOf({ purpose, service: SERVICE, trader, smartAccount, chainId, nonce, expiresAt })
  const facts = {
    chainId,
    trader,
    agentId,
    nonce,
    purpose,
    message,
    expiresAt,
    ...transactions,
    occurredAt: command.at,
  }
  const context = { ...command, actor: ANYBODY, startsStream: true }
  const handled = await bus.handle(challenge, nonce, { kind: 'issue', facts }, context)
  return { body: { message, nonce, expiresAt, smartAccountAddress: smartAccount }, handled }
}

/** What a trader sends back: the text itself, or its nonce with its end. */
export interface Signed {
  trader: Address
  purpose: Purpose
  signature: string
  text: { message: string } | { nonce: string; expiresAt: string }
}

/** What is read of the chain before the agent ends, and whether that lets it. */
export type CheckChain = (standing: { delegatedTo: Address; allowance: bigint }, smartAccount: string) => void

const REASONS = {
  message_unknown: ['unknown', 'The message is not one that was issued to this trader for this.'],
  message_used: ['used', 'The message was used.'],
  message_expired: ['expired', 'The message has expired.'],
  message_not_signed: ['signature', 'The signature is not the trader’s, of this message.'],
} as const satisfies Partial<Record<OstiumCode, readonly [string, string]>>

const refused = (code: keyof typeof REASONS): Problem<OstiumCode> => {
  const [reason, detail] = REASONS[code]
  return new Problem<OstiumCode>(code, detail, { details: { reason } })
}

/**
 * Ends the agent by a message. Consuming the message and the agent's end are two streams: a crash in between is made good by
 * the same request, and a message that has had its effect has none any more.
 */
export async function endByMessage(
  parts: OstiumParts,
  signed: Signed,
  by: 'cancel' | 'revoke' | 'reset',
  check: CheckChain,
  command: CommandContext,
) {
  const { bus, vaultKeys } = parts
  const { trader, purpose, signature } = signed
  const market = requireMarket(parts.market)
  const facts = await issuedFacts(parts, market, signed)
  const { nonce, agentId, message } = facts
  const signatureHash = createHash('sha256').update(signature.toLowerCase()).digest('hex')
  const [issued, state] = await Promise.all([
    bus.current(challenge, nonce),
    bus.current(agent, traderIdOf(market.chainId, trader)),
  ])
  const isLiving = state.status !== 'none' && state.facts.agentId === agentId
  const isUnfinished = issued.status === 'consumed' && isLiving && issued.signatureHash === signatureHash
  if (issued.status === 'consumed' && !isUnfinished) throw refused('message_used')
  if (!isUnfinished && facts.expiresAt <= command.at) throw refused('message_expired')
  const isSigned = await askChain(market, (client) =>
    client.isSignedBy({ address: trader, message, signature: signature as `0x${string}` }),
  )
  if (!isSigned) throw refused('message_not_signed')
  if (!isLiving) throw agentNotFound()
  if (!isUnfinished) refuseState(purpose, state)
  const { smartAccount } = state.facts
  const standing = await askChain(market, (client) => client.standingOf(trader))
  check(standing, smartAccount)
  const told: Standing = { delegatedTo: standing.delegatedTo, allowance: String(standing.allowance) }
  const context: CommandContext = {
    ...{ ...command, commandId: deterministicId('ostium message', nonce) },
    actor: { kind: 'trader', id: trader },
  }
  const consume = async () => {
    const consuming = { ...context, commandId: deterministicId('ostium message used', nonce) }
    await bus.handle(challenge, nonce, { kind: 'consume', signatureHash, at: command.at }, consuming)
    await destroyPrivateKey(vaultKeys, agentId)
  }
  const ended = { agentId, nonce, at: command.at, isDestroyed: true }
  try {
    const handled =
      by === 'cancel'
        ? await bus.handle(agent, idOf(state), { kind: 'cancel', by: 'message', ...ended }, context, consume)
        : await bus.handle(agent, idOf(state), revoking(by, ended, told), context, consume)
    return { smartAccountAddress: smartAccount, ...told, handled }
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'message_used' ? refused('message_used') : error
  }
}

const idOf = ({ facts: { chainId, trader } }: LivingAgent): string => traderIdOf(chainId, trader)

const revoking = (
  by: 'revoke' | 'reset',
  ended: { agentId: string; nonce: string; at: string; isDestroyed: boolean },
  standing: Standing,
) => ({ kind: 'revoke' as const, by: by === 'reset' ? ('reset' as const) : ('message' as const), standing, ...ended })

/** Of the message that was issued; a text is found by the nonce in it, and then compared as a whole. */
async function issuedFacts(parts: OstiumParts, { chainId }: Market, { trader, purpose, text }: Signed) {
  const nonce = 'message' in text ? nonceIn(text.message) : text.nonce.toLowerCase()
  if (nonce === undefined || !NONCE.test(nonce)) throw refused('message_unknown')
  const issued = await parts.bus.current(challenge, nonce)
  if (issued.status === 'absent') throw refused('message_unknown')
  const { facts } = issued
  const isText = 'message' in text ? facts.message === text.message : isSameTime(facts.expiresAt, text.expiresAt)
  const isTraders = facts.trader === trader && facts.chainId === chainId && facts.purpose === purpose
  if (!isText || !isTraders) throw refused('message_unknown')
  return facts
}
