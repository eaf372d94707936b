/** A request for approval as the contract shows it, with the request that waits, where it is kept. */
import { z } from '@hono/zod-openapi'
import { type ApprovalState, approvalNotFound } from '../../../commands/rungate/approval.ts'
import { APPROVAL_KEYS, openContent } from '../../../processes/rungate/contents.ts'
import type { ApprovalRow } from '../../../projections/rungate/approval.ts'
import { snake } from '../../../runtime/letter-case.ts'
import { nullableTimeOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'
import type { RungateParts } from '../access.ts'
import { shown } from '../runs/contents.ts'

export const approvalResponse = z
  .object({
    id: uuidOut,
    run_id: uuidOut,
    step_id: nullableUuidOut.optional(),
    agent_id: uuidOut,
    org_id: nullableUuidOut.optional(),
    policy_id: uuidOut,
    tool_name: z.string(),
    request_snapshot: z.looseObject({}).optional(),
    status: z.enum(['pending', 'approved', 'rejected', 'expired']),
    decided_by: z.string().nullable().optional(),
    reason: z.string().nullable().optional(),
    decided_at: nullableTimeOut.optional(),
    expires_at: timeOut,
    created_at: timeOut,
  })
  .openapi('ApprovalRequest')

type Parts = Pick<RungateParts, 'providerSecrets' | 'clock'>
type Shown = Omit<ApprovalRow, 'agent_name' | 'model'>

/** One that is past its time has expired, whether or not that is recorded yet. */
const statusOf = ({ status, expires_at }: Shown, now: Date): Shown['status'] =>
  status === 'pending' && Date.parse(expires_at) <= now.getTime() ? 'expired' : status

export async function approvalView(
  { providerSecrets, clock }: Parts,
  row: Shown,
): Promise<z.input<typeof approvalResponse>> {
  return {
    ...{ id: row.approval_id, run_id: row.run_id, step_id: row.step_id, agent_id: row.agent_id },
    ...{ org_id: row.account_id, policy_id: row.policy_id, tool_name: row.tool_name },
    request_snapshot: await snapshotOf(providerSecrets, row),
    ...{ status: statusOf(row, clock()), decided_by: row.decided_by?.id ?? null, reason: row.reason },
    ...{ decided_at: row.decided_at, expires_at: row.expires_at, created_at: row.created_at },
  }
}

/** The request as it was asked; one that was too long, or whose key is destroyed, is told as such. */
async function snapshotOf(
  keys: Pick<RungateParts['providerSecrets'], 'find'>,
  { approval_id: approvalId, sealed_request: sealed, request_bytes: bytes }: Shown,
): Promise<Record<string, unknown>> {
  if (sealed === null) return { truncated: true, bytes }
  const key = { kind: APPROVAL_KEYS, keyId: approvalId }
  const text = await openContent(keys, key, sealed, { id: approvalId, part: 'request' })
  if (text === null) return { redacted: true }
  return (shown(text) ?? {}) as unknown as Record<string, unknown>
}

/** The row of a state. Throws where there is no request. */
export function approvalRowOf(state: ApprovalState): Shown {
  if (state.status === 'absent') throw approvalNotFound()
  const {
    occurred_at: created_at,
    agent_name: _,
    fingerprint: __,
    ordinal: ___,
    format: ____,
    model: _____,
    ...facts
  } = snake(state.facts)
  const { status, decidedBy: decided_by, decidedAt: decided_at, reason } = state
  return { ...facts, status, decided_by, decided_at, reason, created_at }
}
