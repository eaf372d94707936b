/**
 * Facts of the account that pays for gas: which action each of its nonces belongs to. Stream
 * `ostium.sponsor-<chainId>.<address in lower case>`. Nonces are taken in order and without gaps.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { address, hash32, ofTrader, uuid } from './vocabulary.ts'

/** The trader whose action it is. */
const ofNonce = { ...ofTrader, sponsor: address, nonce: z.int().nonnegative() }

export const sponsorEvents = {
  'ostium.SponsorNonceTaken.v1': z.object({ ...ofNonce, actionId: uuid }),
  /** Its action came to nothing: an empty transfer takes the nonce's place, so that those behind it can go on. */
  'ostium.SponsorNonceFilled.v1': z.object({ ...ofNonce, actionId: uuid, txHash: hash32 }),
}
export type SponsorEvent = EventOf<typeof sponsorEvents>
