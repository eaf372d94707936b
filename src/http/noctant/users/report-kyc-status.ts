/** POST /v1/users/{global_user_id}/kyc-status: what the operator knows of a user's identity checks. */

import { z } from '@hono/zod-openapi'
import { type KycReport, type KycState, reportKycStatus as report } from '../../../commands/noctant/kyc.ts'
import * as events from '../../../events/noctant/kyc.ts'
import { json } from '../../answers.ts'
import { nullableTimeOut, optionalTime, text, timeAsSent, timeOut, uuid } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { requestIdHeader } from '../schemas.ts'

const kycStatus = z.enum(events.kycStatus.options).openapi('KycStatus')

const request = z
  .object({
    status: kycStatus,
    reported_at: timeAsSent,
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
  reportedAt: body.reported_at.utc,
  reportedAtAsSent: body.reported_at.text,
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
    reported_at: report.reportedAtAsSent ?? report.reportedAt,
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
  isIdempotent: true,
  tags: ['KYC'],
  summary: 'Report a user’s KYC status',
  example: { verified_at: '2026-03-02T09:04:00.000Z' },
  description: `Of two reports the one with the later reported_at stands, by all of its digits. Each report is on record, with the
status before it: one that comes after a later one has no effect, nor has the standing one sent again. The answer is the
standing report, its reported_at as it was sent.`,
  access: operatorKey('kyc_status:write'),
  headers: requestIdHeader,
  params: z.object({ global_user_id: uuid }),
  body: request,
  answers: { 200: json(answer, 'The report that stands now.') },
  refuses: ['kyc_report_invalid', 'user_forgotten', 'user_not_found'],
  // The contract has no key here, and asks for a record of each call.
  async handle({ bus, principal, params, body, command }) {
    const handled = await report(bus, reportOf(principal.operatorId, params.global_user_id, body), command)
    return { status: 200, body: view(handled.state), handled }
  },
})
