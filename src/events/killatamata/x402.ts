/**
 * Facts of one x402 authorization, a paper that anybody may bring to the chain. Stream `killatamata.x402Payment-<id>`, by network,
 * asset, payer and nonce. No money moves before the claim is in the log. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { accountId, time, usdCents, usdMicros, uuid } from './vocabulary.ts'

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/)
const bytes32 = z.string().regex(/^0x[0-9a-fA-F]{64}$/)
const whole = z.string().regex(/^\d{1,78}$/)

/** All that is needed to send it to the chain, now or after a crash. */
export const authorization = z.object({
  network: z.string(),
  asset: address,
  from: address,
  to: address,
  /** In the token's own smallest units. */
  value: whole,
  validAfterS: whole,
  validBeforeS: whole,
  nonce: bytes32,
  signature: z.string().regex(/^0x[0-9a-fA-F]{2,20000}$/),
})
export type Authorization = z.infer<typeof authorization>

const ofPayment = { accountId, paymentId: uuid, occurredAt: time }

export const x402PaymentEvents = {
  'killatamata.X402PaymentClaimed.v1': z.object({
    ...ofPayment,
    purchaseId: z.string(),
    authorization,
    usdCents,
    /** The period of the account's ledger that was open then. */
    period: z.int().positive(),
  }),
  'killatamata.X402SettlementAttempted.v1': z.object({ ...ofPayment, attempt: z.int().positive() }),
  /** The chain says so, whoever sent it. */
  'killatamata.X402PaymentSettled.v1': z.object({ ...ofPayment, transaction: bytes32, blockNumber: whole }),
  'killatamata.X402PaymentFailed.v1': z.object({ ...ofPayment, reason: z.string() }),
  'killatamata.X402PaymentCredited.v1': z.object({ ...ofPayment, depositId: z.string(), usdMicros }),
}
export type X402PaymentEvent = EventOf<typeof x402PaymentEvents>
