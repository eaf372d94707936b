/**
 * What an operator reported of a user's identity checks. Stream `noctant.kyc-<UUIDv5 of operator and user>`. Event names
 * are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { time, uuid } from './vocabulary.ts'

export const kycStatus = z.enum(['pending', 'verified', 'rejected', 'expired'])
export type KycStatus = z.infer<typeof kycStatus>

const report = {
  operatorId: uuid,
  globalUserId: uuid,
  status: kycStatus,
  /** When the operator or its provider made the report: what decides which of two reports is the newer. */
  reportedAt: time,
  /** The same in the operator's own text, with all its digits. Absent in older events, which have kept milliseconds. */
  reportedAtAsSent: z.string().optional(),
  verifiedAt: time.nullable(),
  rejectedAt: time.nullable(),
  rejectionReason: personal(z.string().nullable()),
  expiresAt: time.nullable(),
  providerName: z.string().nullable(),
  /** The person's file with the provider. */
  providerReference: personal(z.string().nullable()),
  occurredAt: time,
}

export const kycEvents = {
  /** Takes the place of the report before it. */
  'noctant.KycStatusReported.v1': z.object({
    ...report,
    /** Null at the first report. */
    previousStatus: kycStatus.nullable(),
  }),
  /** The report that stands, sent once more: on record, without effect. */
  'noctant.KycReportRepeated.v1': z.object({
    operatorId: uuid,
    globalUserId: uuid,
    previousStatus: kycStatus,
    status: kycStatus,
    reportedAt: time,
    reportedAtAsSent: z.string().optional(),
    occurredAt: time,
  }),
  /** Made before the report that stands, and arrived after it: on record, without effect. The standing status stays. */
  'noctant.KycReportOvertaken.v1': z.object({ ...report, standingStatus: kycStatus, standingReportedAt: time }),
}
export type KycEvent = EventOf<typeof kycEvents>
