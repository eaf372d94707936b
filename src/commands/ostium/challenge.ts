/** A message for a trader to sign: issued once under its nonce, used once. */
import type { ChallengeEvent, ChallengeFacts } from '../../events/ostium/challenge.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type ChallengeState =
  | { status: 'absent' }
  | { status: 'issued'; facts: ChallengeFacts }
  | { status: 'consumed'; facts: ChallengeFacts; signatureHash: string }

export type ChallengeCommand =
  | { kind: 'issue'; facts: ChallengeFacts }
  | { kind: 'consume'; signatureHash: string; at: string }

const unknown = () => new Rejected('message_unknown', 'The message is not one of this service.')

export const challenge: Aggregate<ChallengeState, ChallengeCommand, ChallengeEvent> = {
  category: 'ostium.challenge',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'ostium.ChallengeIssued.v1') return { status: 'issued', facts: event.data }
    if (state.status === 'absent') return state
    return { status: 'consumed', facts: state.facts, signatureHash: event.data.signatureHash }
  },

  decide(command, state) {
    if (command.kind === 'issue') {
      return state.status === 'absent' ? [{ type: 'ostium.ChallengeIssued.v1', data: command.facts }] : []
    }
    if (state.status === 'absent') throw unknown()
    const { signatureHash, at: occurredAt } = command
    if (state.status === 'consumed') {
      // The same request again: what a crash has left undone is done by it.
      if (state.signatureHash === signatureHash) return []
      throw new Rejected('message_used', 'The message was used.')
    }
    const { chainId, trader, agentId, nonce } = state.facts
    return [
      { type: 'ostium.ChallengeConsumed.v1', data: { chainId, trader, agentId, nonce, signatureHash, occurredAt } },
    ]
  },
}

interface MessageFacts {
  purpose: ChallengeFacts['purpose']
  service: string
  trader: string
  smartAccount: string
  chainId: number
  nonce: string
  expiresAt: string
}

const DOES = { cancel: 'Cancel the unverified agent wallet', revoke: 'Revoke the agent wallet' } as const

/** The text that a trader signs (EIP-191). It names trader and account, so that it is good for no other wallet. */
export const messageOf = ({
  purpose,
  service,
  trader,
  smartAccount,
  chainId,
  nonce,
  expiresAt,
}: MessageFacts): string =>
  [
    DOES[purpose],
    '',
    `Service: ${service}`,
    `Trader: ${trader}`,
    `Smart account: ${smartAccount}`,
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Expires at: ${expiresAt}`,
  ].join('\n')

/** The nonce that a text of ours names; only to find what was issued, with which it is compared as a whole. */
export const nonceIn = (message: string): string | undefined => /^Nonce: (0x[0-9a-f]{64})$/m.exec(message)?.[1]
