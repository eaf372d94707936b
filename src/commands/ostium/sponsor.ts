/**
 * The account that pays for gas, on one chain: its nonces are taken in order and without gaps, each for one action and for
 * ever. Of two processes that would take the same one, the stream's revision refuses one, which then sends nothing.
 */
import type { SponsorEvent } from '../../events/ostium/sponsor.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export interface TakenNonce {
  nonce: number
  actionId: string
  trader: string
  isFilled: boolean
}

export interface SponsorState {
  /** The next nonce that is taken; undefined: none was ever taken, and the chain says which is the first. */
  next: number | undefined
  /** The last that were taken, in their order. */
  taken: readonly TakenNonce[]
}

interface Of {
  chainId: number
  sponsor: string
  trader: string
  actionId: string
  nonce: number
  at: string
}
export type SponsorCommand =
  /** `chainNonce`: of the chain; nonces below it that nobody here has taken were used by somebody else, and are passed over. */
  ({ kind: 'take'; chainNonce: number } & Of) | ({ kind: 'fill'; txHash: string } & Of)

/** As many as may be under way, many times over. */
const TAKEN_MAX = 1_024

export const sponsorIdOf = (chainId: number, sponsor: string): string => `${chainId}.${sponsor.toLowerCase()}`

export const sponsor: Aggregate<SponsorState, SponsorCommand, SponsorEvent> = {
  category: 'ostium.sponsor',
  initialState: { next: undefined, taken: [] },

  evolve({ next, taken }, { type, data: { nonce, actionId, trader } }) {
    if (type === 'ostium.SponsorNonceFilled.v1') {
      return { next, taken: taken.map((each) => (each.nonce === nonce ? { ...each, isFilled: true } : each)) }
    }
    return { next: nonce + 1, taken: [...taken.slice(1 - TAKEN_MAX), { nonce, actionId, trader, isFilled: false }] }
  },

  decide(command, { next, taken }) {
    const { chainId, sponsor: address, trader, actionId, nonce, at: occurredAt } = command
    const of = { chainId, sponsor: address, trader, actionId, nonce, occurredAt }
    const known = taken.find((each) => each.nonce === nonce)
    if (command.kind === 'fill') {
      if (known?.isFilled) return []
      return [{ type: 'ostium.SponsorNonceFilled.v1', data: { ...of, txHash: command.txHash } }]
    }
    if (known?.actionId === actionId) return []
    const other = taken.find((each) => each.actionId === actionId && !each.isFilled)
    if (other) throw new Rejected('nonce_taken', `The action has the nonce ${other.nonce}.`)
    const free = Math.max(next ?? nonce, command.chainNonce)
    if (nonce !== free) throw new Rejected('nonce_taken', `The nonce ${nonce} is not the next one, which is ${free}.`)
    return [{ type: 'ostium.SponsorNonceTaken.v1', data: of }]
  },
}
