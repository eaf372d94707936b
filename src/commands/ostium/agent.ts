/**
 * The agent of a trader on one chain: none, pending until the trader has made its account a delegate, verified, suspended
 * while the delegate is another one. One at a time: the stream's state says which, and the expected revision holds it.
 */
import type { AgentEvent, AgentFacts } from '../../events/ostium/agent.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

interface Former {
  agentId: string
  /** Of the message that has ended it; null: none has. */
  nonce: string | null
}

export type AgentState = {
  /** When agents were made, the last ones, oldest first. */
  createdAt: readonly string[]
} & (
  | { status: 'none'; former: Former | null }
  | { status: 'pending' | 'verified' | 'suspended'; facts: AgentFacts; verifiedAt: string | null }
)
export type LivingAgent = Exclude<AgentState, { status: 'none' }>

interface Ended {
  agentId: string
  nonce: string | null
  at: string
  /** Its private key is destroyed already: it ends, whatever has become of it meanwhile. */
  isDestroyed: boolean
}
export interface Standing {
  delegatedTo: string
  allowance: string
}

export type AgentCommand =
  | { kind: 'create'; facts: AgentFacts; perHourMax: number }
  | ({ kind: 'verify'; agentId: string; blockNumber: string; at: string } & Standing)
  | { kind: 'suspend'; agentId: string; delegatedTo: string; noticedBy: 'preflight' | 'watcher'; at: string }
  | ({ kind: 'cancel'; by: 'message' | 'expiry' } & Ended)
  | ({ kind: 'revoke'; by: 'message' | 'reset' | 'key'; standing: Standing | null } & Ended)

export const agentNotFound = () => new Rejected('agent_not_found', 'The trader has no agent.')
const notPending = (status: string) =>
  new Rejected('agent_not_pending', `The agent is ${status}; revoke it instead of cancelling it.`)
const notVerified = () => new Rejected('agent_not_verified', 'The agent was never verified; cancel it instead.')

/** Of a trader on a chain: one, however the address is written. */
export const traderIdOf = (chainId: number, trader: string): string => `${chainId}.${trader.toLowerCase()}`

const HOUR_MS = 3_600_000
/** Times of creations that are kept. */
const CREATIONS_MAX = 100

export const agent: Aggregate<AgentState, AgentCommand, AgentEvent> = {
  category: 'ostium.agent',
  initialState: { status: 'none', former: null, createdAt: [] },

  evolve(state, event) {
    const { createdAt } = state
    if (event.type === 'ostium.AgentWalletCreated.v1') {
      const times = [...createdAt, event.data.occurredAt].slice(-CREATIONS_MAX)
      return { status: 'pending', facts: event.data, verifiedAt: null, createdAt: times }
    }
    if (state.status === 'none') return state
    switch (event.type) {
      case 'ostium.AgentVerified.v1':
        return { ...state, status: 'verified', verifiedAt: event.data.occurredAt }
      case 'ostium.AgentSuspended.v1':
        return { ...state, status: 'suspended' }
      case 'ostium.AgentCancelled.v1':
      case 'ostium.AgentRevoked.v1':
        return { status: 'none', former: { agentId: event.data.agentId, nonce: event.data.nonce }, createdAt }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'create') return created(command, state)
    if (state.status === 'none' || state.facts.agentId !== command.agentId) return gone(command, state)
    const { chainId, trader, agentId, smartAccount } = state.facts
    const of = { chainId, trader, agentId, occurredAt: command.at }
    switch (command.kind) {
      case 'verify': {
        const { delegatedTo, allowance, blockNumber } = command
        if (delegatedTo === smartAccount) {
          if (state.status === 'verified') return []
          return [{ type: 'ostium.AgentVerified.v1', data: { ...of, delegatedTo, allowance, blockNumber } }]
        }
        if (state.status !== 'verified') return []
        return [{ type: 'ostium.AgentSuspended.v1', data: { ...of, delegatedTo, noticedBy: 'verify' } }]
      }
      case 'suspend': {
        const { delegatedTo, noticedBy } = command
        if (state.status !== 'verified') return []
        return [{ type: 'ostium.AgentSuspended.v1', data: { ...of, delegatedTo, noticedBy } }]
      }
      case 'cancel': {
        const { by, nonce, isDestroyed } = command
        if (state.status !== 'pending' && !isDestroyed) throw notPending(state.status)
        return [{ type: 'ostium.AgentCancelled.v1', data: { ...of, by, nonce } }]
      }
      case 'revoke': {
        const { by, nonce, standing, isDestroyed } = command
        if (state.status === 'pending' && by !== 'key' && !isDestroyed) throw notVerified()
        const { delegatedTo = null, allowance = null } = standing ?? {}
        return [{ type: 'ostium.AgentRevoked.v1', data: { ...of, by, nonce, delegatedTo, allowance } }]
      }
      default:
        return command satisfies never
    }
  },
}

function created({ facts, perHourMax }: Extract<AgentCommand, { kind: 'create' }>, state: AgentState): AgentEvent[] {
  const { chainId, trader, occurredAt } = facts
  const anHourAgo = new Date(Date.parse(occurredAt) - HOUR_MS).toISOString()
  if (state.status !== 'none' && !hasLapsed(state, occurredAt)) {
    throw new Rejected('agent_exists', `The trader has an agent, which is ${state.status}.`)
  }
  if (state.createdAt.filter((at) => at > anHourAgo).length >= perHourMax) {
    throw new Rejected('agents_exhausted', `At most ${perHourMax} agents are made for a trader in an hour.`)
  }
  const former: AgentEvent[] =
    state.status === 'none'
      ? []
      : [
          {
            type: 'ostium.AgentCancelled.v1',
            data: { chainId, trader, agentId: state.facts.agentId, by: 'expiry', nonce: null, occurredAt },
          },
        ]
  return [...former, { type: 'ostium.AgentWalletCreated.v1', data: facts }]
}

/** Nobody has verified it in time, so that it gives way. */
export const hasLapsed = (state: AgentState, at: string): boolean =>
  state.status === 'pending' && state.facts.pendingUntil <= at

/** The agent that the command is about lives no more: whoever has ended it by this message, the message is used. */
function gone(command: Exclude<AgentCommand, { kind: 'create' }>, state: AgentState): AgentEvent[] {
  if (command.kind === 'suspend') return []
  const isEnding = command.kind === 'cancel' || command.kind === 'revoke'
  const isUsed = state.status === 'none' && isEnding && command.nonce !== null && command.nonce === state.former?.nonce
  if (isUsed) throw new Rejected('message_used', 'The message was used.')
  if (isEnding && command.by === 'expiry') return []
  throw agentNotFound()
}
