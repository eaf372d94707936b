/** POST /v1/users/{global_user_id}/kyc-status: what the operator knows of a user's identity checks. */

import { z } from '@hono/zod-openapi'
import { fingerprintOf } from '../../../commands/identity.ts'
import { type KycReport, type KycState, kycIdOf, reportKycStatus as report } from '../../../commands/noctant/kyc.ts'
import * as events from '../../../events/noctant/kyc.ts'
import { json } from '../../answers.ts'
import { nullableTimeOut, optionalTime, text, timeInput, timeOut, uuid } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { withDigests } from '../request-digests.ts'
import { requestIdHeader } from '../schemas.ts'

const kycStatus = z.enum(events.kycStatus.options).openapi('KycStatus')

const request = z
  .object({
    status: kycStatus,
    reported_at: timeInput,
    verified_at: optionalTime,
    rejected_at: optionalTime,
    rejection_reason: text(500).nullish(),
    expires_at: optionalTime,
    provider_name: text(64).nullish(),
    provider_reference: text(255).nullish(),
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

export const reportKycStatus = write({
  path: '/v1/users/{global_user_id}/kyc-status',
  id: 'reportKycStatus',
  tags: ['KYC'],
  summary: 'Report a user’s KYC status',
  description: `Of two reports the one with the later reported_at stands. One that comes after a later one is kept on
record, and the answer is the standing report. The same report sent again is answered as it was the first time.`,
  access: operatorKey('kyc_status:write'),
  headers: requestIdHeader,
  params: z.object({ global_user_id: uuid }),
  body: request,
  answers: { 200: json(answer, 'The report that stands now.') },
  refuses: ['kyc_report_invalid', 'user_forgotten', 'user_not_found'],
  facts: ({ principal, params, body }) => reportOf(principal.operatorId, params.global_user_id, body),
  // The contract has no key here: the report is its own, since it says when it was made.
  key: { from: 'facts', key: (_, hashed) => fingerprintOf(hashed) },
  scope: (_, { operatorId, globalUserId }) => kycIdOf(operatorId, globalUserId),
  fingerprint: (facts, parts) => withDigests(parts, facts, ['rejectionReason', 'providerReference']),
  async handle({ bus, facts, command }) {
    const handled = await report(bus, facts, command)
    return { status: 200, body: view(handled.state), handled }
  },
})
