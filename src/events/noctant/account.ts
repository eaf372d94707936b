/** Facts of a sponsored account. Stream `noctant.account-<programAccountId>`. Event names are the storage format. */
import { z } from 'zod'
import { engineOrder } from '../../gateway/contract.ts'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import {
  accountStatus,
  brandingPolicy,
  decimal,
  executionMode,
  feedSource,
  marketMode,
  programOrigin,
  programType,
  providerType,
  provisioningSource,
  rulesOwner,
  time,
  uuid,
  visibilityPolicy,
} from './vocabulary.ts'

export type { EngineOrder } from '../../gateway/contract.ts'

export const accountEvents = {
  'noctant.AccountOpened.v1': z.object({
    programAccountId: uuid,
    attemptId: uuid,
    /** The execution account: what the engine knows. */
    accountId: uuid,
    accountNumber: z.string(),
    operatorId: uuid,
    orgId: uuid,
    globalUserId: uuid,
    externalAccountId: z.string(),
    /** As its holder sees it; often the holder's own name. */
    accountName: personal(z.string().nullable()),
    productId: uuid.nullable(),
    currency: z.string(),
    initialBalance: decimal,
    executionProfileKey: z.string(),
    executionMode,
    marketMode,
    programType,
    programOrigin: programOrigin.nullable(),
    provisioningSource,
    providerType,
    rulesOwner,
    feedSource,
    brandingPolicy,
    visibilityPolicy,
    claimAllowed: z.boolean(),
    marketingAllowed: z.boolean(),
    occurredAt: time,
  }),
  'noctant.AccountStatusChanged.v1': z.object({
    programAccountId: uuid,
    accountId: uuid,
    from: accountStatus,
    to: accountStatus,
    reason: z.string().nullable(),
    occurredAt: time,
  }),
  /** Asked for the status that it had. Recorded so that the request's key keeps its answer. */
  'noctant.AccountStatusKept.v1': z.object({
    programAccountId: uuid,
    accountId: uuid,
    status: accountStatus,
    reason: z.string().nullable(),
    occurredAt: time,
  }),
  /** Traded on another execution account from now on; the one before is closed for good. */
  'noctant.AccountAttemptStarted.v1': z.object({
    programAccountId: uuid,
    operatorId: uuid,
    orgId: uuid,
    globalUserId: uuid,
    externalAccountId: z.string(),
    currency: z.string(),
    attemptId: uuid,
    /** From 2; the account was opened with its first. */
    attemptNumber: z.int().positive(),
    accountId: uuid,
    priorAccountId: uuid,
    initialBalance: decimal,
    occurredAt: time,
  }),
  /** A challenge is held on the current attempt. */
  'noctant.AccountChallengeAttached.v1': z.object({
    programAccountId: uuid,
    accountId: uuid,
    attemptId: uuid,
    instanceId: uuid,
    occurredAt: time,
  }),
  /** An operator corrects the balance; the engine is asked for it in the same append. */
  'noctant.AccountCorrectionRequested.v1': z.object({
    correctionId: uuid,
    /** Of the engine's order. */
    commandId: uuid,
    programAccountId: uuid,
    accountId: uuid,
    operatorId: uuid,
    globalUserId: uuid,
    currency: z.string(),
    /** Signed: what is added to the balance. */
    amount: decimal,
    reason: z.string(),
    note: z.string().nullable(),
    operatorReference: z.string().nullable(),
    idempotencyKey: z.string(),
    traceId: z.string().nullable(),
    occurredAt: time,
  }),
  'noctant.EngineCommandRequested.v1': z.object({
    commandId: uuid,
    programAccountId: uuid,
    accountId: uuid,
    /** Position among the account's engine commands, from 1. */
    sequence: z.int().positive(),
    order: engineOrder,
    occurredAt: time,
  }),
}
export type AccountEvent = EventOf<typeof accountEvents>
