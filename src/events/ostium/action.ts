/**
 * Facts of an action that an agent does for its trader: from the moment in which it is owed to its block. Stream
 * `ostium.action-<uuid>`.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { address, bytes, digits, hash32, ofTrader, operation, revert, time, uuid } from './vocabulary.ts'

const ofAction = { ...ofTrader, actionId: uuid }

export const actionEvents = {
  /** From here on the action is owed. */
  'ostium.DelegatedActionRequested.v1': z.object({
    ...ofAction,
    agentId: uuid,
    smartAccount: address,
    operation,
    /** The call that the trader would have made. */
    inner: bytes,
    /** Of the account, used once; 128 random bits in decimal digits. */
    accountNonce: digits,
    /** After it the account takes the action no more. */
    deadline: time,
  }),
  /** The chain would have undone it, so that nothing was sent. */
  'ostium.DelegatedActionRefused.v1': z.object({ ...ofAction, agentId: uuid, operation, inner: bytes, revert }),
  /** Recorded before it is sent; a retry sends the same bytes. A later attempt pays more, under the same nonce. */
  'ostium.DelegatedActionSigned.v1': z.object({
    ...ofAction,
    sponsor: address,
    sponsorNonce: z.int().nonnegative(),
    txHash: hash32,
    rawTransaction: bytes,
    maxFeePerGas: digits,
    maxPriorityFeePerGas: digits,
    attempt: z.int().positive(),
  }),
  'ostium.DelegatedActionBroadcast.v1': z.object({ ...ofAction, txHash: hash32, attempt: z.int().positive() }),
  'ostium.DelegatedActionIncluded.v1': z.object({
    ...ofAction,
    txHash: hash32,
    blockNumber: digits,
    blockHash: hash32,
    gasUsed: digits,
    gasPrice: digits,
    /** Of an order that waits for its price; null: the action makes none. */
    orderId: digits.nullable(),
  }),
  /** It is in a block and had no effect. */
  'ostium.DelegatedActionReverted.v1': z.object({
    ...ofAction,
    txHash: hash32,
    blockNumber: digits,
    blockHash: hash32,
    gasUsed: digits,
    gasPrice: digits,
    revert,
  }),
  /** It will never be in a block. */
  'ostium.DelegatedActionAbandoned.v1': z.object({ ...ofAction, reason: z.string(), revert: revert.nullable() }),
}
export type ActionEvent = EventOf<typeof actionEvents>
export type ActionFacts = Extract<ActionEvent, { type: 'ostium.DelegatedActionRequested.v1' }>['data']
