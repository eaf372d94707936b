/**
 * Facts of the payouts of one account. Stream `noctant.payouts-<programAccountId>`: all its requests stand in one stream,
 * so that what they may take together is decided in one place. Storage format: superseded, never edited.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { kycStatus } from './kyc.ts'
import { payoutPolicy } from './template.ts'
import { decimal, time, uuid } from './vocabulary.ts'

/** The rules that a request was held to, as the challenge has frozen them. */
export const payoutSnapshot = z.object({
  templateId: uuid,
  templateVersion: z.int().positive(),
  stepSequence: z.int().positive(),
  currency: z.string(),
  /** Of the funded step. */
  initialBalance: decimal,
  fundedAt: time,
  /** By the policy itself, or by the gate of the account's product. */
  kycRequired: z.boolean(),
  policy: payoutPolicy,
})
export type PayoutSnapshot = z.infer<typeof payoutSnapshot>

/** What the rules were applied to. */
export const payoutInput = z.object({
  evaluatedAt: time,
  requestedAmount: decimal,
  /** As the engine last stated them, in its event of this sequence. */
  balance: decimal,
  equity: decimal,
  engineSequence: z.int().nonnegative(),
  /** Of the balance, what corrections added since the funded step began, signed. */
  corrections: decimal,
  /** Asked for and neither refused nor debited yet, this request apart. */
  outstandingAmount: decimal,
  /** Requests of this run that were granted or may be, this one apart. */
  payoutsBefore: z.int().nonnegative(),
  lastRequestedAt: time.nullable(),
  /** Null: never reported. */
  kycStatus: kycStatus.nullable(),
  kycVerified: z.boolean(),
})
export type PayoutInput = z.infer<typeof payoutInput>

export const payoutDecision = z.object({
  outcome: z.enum(['accepted', 'refused']),
  /** Every rule, with what it asked for and what it found, in words of numbers. */
  checks: z.array(z.object({ rule: z.string(), passed: z.boolean(), required: z.string(), actual: z.string() })),
  profit: decimal,
  availableProfit: decimal,
  requiredRemainingBuffer: decimal,
  /** Null where the request was refused. */
  granted: z
    .object({
      grossAmount: decimal,
      traderAmount: decimal,
      firmRetainedAmount: decimal,
      /** From 1, within the run. */
      ordinal: z.int().positive(),
    })
    .nullable(),
})
export type PayoutDecision = z.infer<typeof payoutDecision>

const request = {
  payoutRequestId: uuid,
  programAccountId: uuid,
  accountId: uuid,
  operatorId: uuid,
  globalUserId: uuid,
  instanceId: uuid,
  chainId: uuid,
  requestCommandId: uuid,
  currency: z.string(),
  requestedAmount: decimal,
  note: z.string().nullable(),
  operatorReference: z.string().nullable(),
  idempotencyKey: z.string(),
  traceId: z.string().nullable(),
  policySnapshot: payoutSnapshot,
  policyInput: payoutInput,
  policyDecision: payoutDecision,
  occurredAt: time,
}
const head = { payoutRequestId: uuid, programAccountId: uuid, occurredAt: time }
const execution = { ...head, commandId: uuid }

export const settlementStatus = z.enum([
  'not_tracked',
  'pending_operator_payment',
  'operator_marked_paid',
  'operator_rejected_payment',
  'operator_cancelled_payment',
])
export type SettlementStatus = z.infer<typeof settlementStatus>

export const payoutEvents = {
  /** Within the rules: people decide next. */
  'noctant.PayoutRequested.v1': z.object(request),
  /** Against the rules: on record, and over. */
  'noctant.PayoutRequestRefused.v1': z.object(request),
  /** Granted; the amount is reserved. The rules were applied once more, to the figures of that time. */
  'noctant.PayoutApproved.v1': z.object({
    ...head,
    note: z.string().nullable(),
    operatorReference: z.string().nullable(),
    policyInput: payoutInput,
    policyDecision: payoutDecision,
  }),
  /** Turned down or, while it was no more than reserved, taken back: the amount is free again. */
  'noctant.PayoutRejected.v1': z.object({
    ...head,
    reason: z.string(),
    operatorReference: z.string().nullable(),
  }),
  /** The engine is to debit the account, under this command id. */
  'noctant.PayoutExecutionRequested.v1': z.object({
    ...execution,
    accountId: uuid,
    amount: decimal,
    /** What the operator said with it. Absent in older events: what it said with the approval. */
    note: z.string().nullable().optional(),
    operatorReference: z.string().nullable().optional(),
  }),
  /** The engine has debited the account: the cash event. */
  'noctant.PayoutExecuted.v1': z.object({
    ...execution,
    /** The engine's event that debited the account. */
    sourceEventId: uuid,
    operatorId: uuid,
    globalUserId: uuid,
    instanceId: uuid,
    chainId: uuid,
    currency: z.string(),
    grossAmount: decimal,
    traderAmount: decimal,
    firmRetainedAmount: decimal,
    ordinal: z.int().positive(),
    executedAt: time,
  }),
  /** Nothing was debited, and the reservation is released. */
  'noctant.PayoutExecutionFailed.v1': z.object({
    ...execution,
    code: z.string(),
    reason: z.string().nullable(),
    failedAt: time,
  }),
  /** What the engine reports does not fit what was asked for: people have to look. */
  'noctant.PayoutExecutionInvalid.v1': z.object({
    ...execution,
    sourceEventId: uuid,
    /** What the account was debited by; null: by nothing. */
    debitedAmount: decimal.nullable(),
    code: z.string(),
    reason: z.string(),
  }),
  'noctant.PayoutSettlementUpdated.v1': z.object({
    ...head,
    from: settlementStatus,
    to: settlementStatus,
    reference: z.string().nullable(),
    note: z.string().nullable(),
    operatorReference: z.string().nullable(),
  }),
}
export type PayoutEvent = EventOf<typeof payoutEvents>

/** Where a request is to be found. Stream `noctant.payoutRequest-<payoutRequestId>`, written before the request itself. */
export const payoutAddressEvents = {
  'noctant.PayoutRequestAddressed.v1': z.object({
    payoutRequestId: uuid,
    programAccountId: uuid,
    operatorId: uuid,
    occurredAt: time,
  }),
}
export type PayoutAddressEvent = EventOf<typeof payoutAddressEvents>
