/** Facts of an approval: whether one request may name one tool. Stream `rungate.approval-<id of run, fingerprint, tool, ordinal>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { callFormat } from './call-facts.ts'
import { author, sha256, time, uuid } from './vocabulary.ts'

const ofApproval = { accountId: uuid, approvalId: uuid, agentId: uuid, runId: uuid, policyId: uuid, occurredAt: time }

export const approvalEvents = {
  'rungate.ApprovalRequested.v1': z.object({
    ...ofApproval,
    agentName: z.string(),
    toolName: z.string(),
    /** Of the request as it was asked, without how its answer is delivered. */
    fingerprint: sha256,
    /** From 0; a later one follows an expired one of the same request and tool. */
    ordinal: z.int().min(0),
    /** The refused call's step. */
    stepId: uuid,
    format: callFormat,
    model: z.string(),
    /** What the decider reads, sealed under the approval's own key; null: it was too long to keep. */
    sealedRequest: z.string().nullable(),
    requestBytes: z.int().min(0),
    expiresAt: time,
  }),
  'rungate.ApprovalApproved.v1': z.object({ ...ofApproval, toolName: z.string(), author }),
  'rungate.ApprovalRejected.v1': z.object({
    ...ofApproval,
    toolName: z.string(),
    author,
    reason: z.string().nullable(),
  }),
  'rungate.ApprovalExpired.v1': z.object({ ...ofApproval, toolName: z.string() }),
}
export type ApprovalEvent = EventOf<typeof approvalEvents>
export type ApprovalRequest = Extract<ApprovalEvent, { type: 'rungate.ApprovalRequested.v1' }>['data']
