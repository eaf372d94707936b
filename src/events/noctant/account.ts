/** Facts of a sponsored account. Stream `noctant.account-<programAccountId>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
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

/** What the engine is asked to do, as it will read it (docs/engine.md). */
export const engineOrder = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('open_account'),
    currency: z.string(),
    initialBalance: decimal,
    executionProfileKey: z.string(),
  }),
  z.object({ kind: z.literal('close_all'), reason: z.string().nullable() }),
  z.object({
    kind: z.literal('disable_account'),
    forceClosePositions: z.boolean(),
    reason: z.string().nullable(),
  }),
  z.object({ kind: z.literal('enable_account'), reason: z.string().nullable() }),
  z.object({ kind: z.literal('force_close'), reason: z.string().nullable() }),
  z.object({
    kind: z.literal('adjust_balance'),
    /** Signed. */
    amount: decimal,
    /** The correction that it carries out. */
    reference: z.string(),
    reason: z.string().nullable(),
  }),
  z.object({ kind: z.literal('execute_payout'), amount: decimal, reference: z.string() }),
])
export type EngineOrder = z.infer<typeof engineOrder>

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
    accountName: z.string().nullable(),
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
