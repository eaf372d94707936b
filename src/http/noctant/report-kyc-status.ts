/** POST /v1/users/{global_user_id}/kyc-status: what the operator knows of a user's identity checks. */
import { createRoute, z } from '@hono/zod-openapi'
import { fingerprintOf } from '../../commands/identity.ts'
import { type KycReport, type KycState, kycIdOf, reportKycStatus as report } from '../../commands/noctant/kyc.ts'
import * as events from '../../events/noctant/kyc.ts'
import { waitForReadModels } from '../consistency.ts'
import { idempotentCommand, markReplay } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { nullableTimeOut, optionalTime, timeInput, timeOut, uuid } from '../schemas.ts'
import { withDigests } from './request-digests.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const kycStatus = z.enum(events.kycStatus.options).openapi('KycStatus')

const request = z
  .object({
    status: kycStatus,
    reported_at: timeInput,
    verified_at: optionalTime,
    rejected_at: optionalTime,
    rejection_reason: z.string().max(500).nullish(),
    expires_at: optionalTime,
    provider_name: z.string().max(64).nullish(),
    provider_reference: z.string().max(255).nullish(),
  })
  .openapi('ReportKycStatusRequest')

const answer = z
  .object({
    status: kycStatus,
    reported_at: timeOut,
    verified_at: nullableTimeOut.optional(),
    rejected_at: nullableTimeOut.optional(),
    rejection_reason: z.string().nullable().optional(),
    expires_at: nullableTimeOut.optional(),
    provider_name: z.string().nullable().optional(),
    provider_reference: z.string().nullable().optional(),
    updated_at: timeOut,
  })
  .openapi('KycStatusResponse')

const route = createRoute({
  method: 'post',
  path: '/v1/users/{global_user_id}/kyc-status',
  operationId: 'reportKycStatus',
  tags: ['KYC'],
  summary: 'Report a user’s KYC status',
  description: `Of two reports the one with the later reported_at stands. One that comes after a later one is kept on
record, and the answer is the standing report. The same report sent again is answered as it was the first time.`,
  ...forOperator('kyc_status:write'),
  request: {
    headers: requestIdHeader,
    params: z.object({ global_user_id: uuid }),
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: { 200: json(answer, 'The report that stands now.'), ...problemResponses },
})

const reportOf = (operatorId: string, globalUserId: string, body: z.output<typeof request>): KycReport => ({
  operatorId,
  globalUserId,
  status: body.status,
  reportedAt: body.reported_at,
  verifiedAt: body.verified_at ?? null,
  rejectedAt: body.rejected_at ?? null,
  rejectionReason: body.rejection_reason ?? null,
  expiresAt: body.expires_at ?? null,
  providerName: body.provider_name ?? null,
  providerReference: body.provider_reference ?? null,
})

function view(state: KycState): z.output<typeof answer> {
  if (state.status === 'unreported') throw new Error('a report that was taken in has a status')
  const { report, updatedAt } = state
  return {
    status: report.status,
    reported_at: report.reportedAt,
    verified_at: report.verifiedAt,
    rejected_at: report.rejectedAt,
    rejection_reason: report.rejectionReason,
    expires_at: report.expiresAt,
    provider_name: report.providerName,
    provider_reference: report.providerReference,
    updated_at: updatedAt,
  }
}

export const reportKycStatus = operation(
  route,
  ({ bus, clock, personKeys, ...consistency }: NoctantDeps) =>
    async (c) => {
      const { operatorId } = c.get('principal')
      const facts = reportOf(operatorId, c.req.valid('param').global_user_id, c.req.valid('json'))
      // The contract has no key here: the report is its own, since it says when it was made.
      const scope = kycIdOf(operatorId, facts.globalUserId)
      const request = await withDigests({ bus, personKeys }, facts, ['rejectionReason', 'providerReference'])
      const command = { context: 'noctant', action: 'reportKycStatus', scope, key: fingerprintOf(request), request }
      const handled = await report(bus, facts, idempotentCommand(c, command, { at: clock().toISOString() }))
      markReplay(c, handled)
      await waitForReadModels(c, handled.position, consistency)
      return c.json(view(handled.state), 200)
    },
)
