/**
 * A user's KYC standing with one operator. Each report is recorded with the status before it; the newest by its own
 * time stands. A report that was made before the standing one is kept for the record and changes nothing.
 */
import type { KycEvent, KycStatus } from '../../events/noctant/kyc.ts'
import { compareTimes, type ExactTime, readTime, timeMs } from '../../runtime/rfc3339.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { Rejected } from './rejection.ts'
import { user, userForgotten } from './user.ts'

type Reported = Extract<KycEvent, { type: 'noctant.KycStatusReported.v1' }>['data']

/** A report as the operator sends it. */
export type KycReport = Omit<Reported, 'previousStatus' | 'occurredAt'>

export type KycState =
  | { status: 'unreported' }
  | {
      status: KycStatus
      /** The report that stands. */
      report: KycReport
      /** When it was taken in. */
      updatedAt: string
    }

export interface ReportKyc {
  report: KycReport
  at: string
}

/** A report from further ahead than clocks may differ would outrank every true one until then. */
const AHEAD_MAX_MS = 24 * 60 * 60 * 1_000

export const kycIdOf = (operatorId: string, globalUserId: string): string =>
  deterministicId('noctant.kyc', operatorId, globalUserId)

/** Whether the user counts as verified at this time: the last report says so, and has not run out. */
export const isVerified = (state: KycState, at: string): boolean =>
  state.status === 'verified' && (state.report.expiresAt === null || Date.parse(at) < timeMs(state.report.expiresAt))

export const kyc: Aggregate<KycState, ReportKyc, KycEvent> = {
  category: 'noctant.kyc',
  initialState: { status: 'unreported' },

  evolve(state, event) {
    switch (event.type) {
      case 'noctant.KycStatusReported.v1': {
        const { previousStatus: _, occurredAt, ...report } = event.data
        return { status: report.status, report, updatedAt: occurredAt }
      }
      case 'noctant.KycReportRepeated.v1':
      case 'noctant.KycReportOvertaken.v1':
        return state
      default:
        return event satisfies never
    }
  },

  decide({ report: sent, at }, state) {
    const report = meaningful(sent)
    if (timeMs(report.reportedAt) - Date.parse(at) > AHEAD_MAX_MS) {
      throw new Rejected('kyc_report_invalid', 'The report is dated more than a day ahead.', '/reported_at')
    }
    if (state.status === 'unreported') {
      return [{ type: 'noctant.KycStatusReported.v1', data: { ...report, previousStatus: null, occurredAt: at } }]
    }
    const { status: previousStatus, report: standing } = state
    if (compareTimes(reportTime(report), reportTime(standing)) < 0) {
      const stands = { standingStatus: previousStatus, standingReportedAt: standing.reportedAt }
      return [{ type: 'noctant.KycReportOvertaken.v1', data: { ...report, ...stands, occurredAt: at } }]
    }
    if (isSame(report, standing)) {
      const { operatorId, globalUserId, status, reportedAt, reportedAtAsSent } = report
      const sent = reportedAtAsSent === undefined ? {} : { reportedAtAsSent }
      const data = { operatorId, globalUserId, previousStatus, status, reportedAt, ...sent, occurredAt: at }
      return [{ type: 'noctant.KycReportRepeated.v1', data }]
    }
    return [{ type: 'noctant.KycStatusReported.v1', data: { ...report, previousStatus, occurredAt: at } }]
  },
}

/** When the report was made, exactly. A time that the log holds has been read before. */
function reportTime({ reportedAt, reportedAtAsSent = reportedAt }: KycReport): ExactTime {
  const time = readTime(reportedAtAsSent)
  if (!time) throw new Error(`${reportedAtAsSent} was taken in as a time`)
  return time
}

/** The same report, whatever text its time was sent in. */
function isSame(report: KycReport, standing: KycReport): boolean {
  const { reportedAtAsSent: _, reportedAt: __, ...facts } = report
  const isEqual = Object.entries(facts).every(([name, value]) => standing[name as keyof KycReport] === value)
  return isEqual && compareTimes(reportTime(report), reportTime(standing)) === 0
}

/**
 * The report with only what means something for its status (contract, ReportKycStatusRequest): a verification needs its
 * time, a rejection its own; an expiry belongs to what was verified once.
 */
function meaningful(report: KycReport): KycReport {
  const { status } = report
  if (status === 'verified' && report.verifiedAt === null) {
    throw new Rejected('kyc_report_invalid', 'A verified report says when it was verified.', '/verified_at')
  }
  if (status === 'rejected' && report.rejectedAt === null) {
    throw new Rejected('kyc_report_invalid', 'A rejected report says when it was rejected.', '/rejected_at')
  }
  const rejected = status === 'rejected'
  return {
    ...report,
    verifiedAt: status === 'verified' ? report.verifiedAt : null,
    rejectedAt: rejected ? report.rejectedAt : null,
    rejectionReason: rejected ? report.rejectionReason : null,
    expiresAt: status === 'verified' || status === 'expired' ? report.expiresAt : null,
  }
}

/**
 * Records a report on a user of the operator; the standing one sent again is a repeat, and on record as well. Rejects with
 * user_not_found, user_forgotten, and as `decide` does.
 */
export async function reportKycStatus(
  bus: CommandBus,
  report: KycReport,
  context: CommandContext,
): Promise<Handled<KycState, KycEvent>> {
  const { operatorId, globalUserId } = report
  const command = { report, at: context.at }
  const handled = await bus.handle(kyc, kycIdOf(operatorId, globalUserId), command, context, () =>
    requireRemembered(bus, operatorId, globalUserId),
  )
  const isRepeat = handled.events.every(({ type }) => type === 'noctant.KycReportRepeated.v1')
  return isRepeat ? { ...handled, replayed: true } : handled
}

/** As requireUser, for what begins something new: rejects with user_forgotten as well. */
export async function requireRemembered(bus: CommandBus, operatorId: string, globalUserId: string): Promise<void> {
  await requireUser(bus, operatorId, globalUserId)
  if ((await bus.load(user, globalUserId)).status === 'forgotten') throw userForgotten()
}

/** Rejects with user_not_found where the operator has no such user; another operator's counts as none. */
export async function requireUser(bus: CommandBus, operatorId: string, globalUserId: string): Promise<void> {
  const found = await bus.load(user, globalUserId)
  if (found.status === 'absent' || found.operatorId !== operatorId) {
    throw new Rejected('user_not_found', 'The operator has no such user.')
  }
}
