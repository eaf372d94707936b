import { describe, expect, it } from 'vitest'
import { isVerified, type KycReport, kyc } from '../../../src/commands/noctant/kyc.ts'
import type { KycEvent } from '../../../src/events/noctant/kyc.ts'
import { at, operatorFacts, userProvisioned } from '../../support/examples/noctant.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(kyc)

const report: KycReport = {
  operatorId: operatorFacts.operatorId,
  globalUserId: userProvisioned.data.globalUserId,
  status: 'pending',
  reportedAt: at(5),
  verifiedAt: null,
  rejectedAt: null,
  rejectionReason: null,
  expiresAt: null,
  providerName: 'manual',
  providerReference: 'case-1',
}
const verified: KycReport = { ...report, status: 'verified', reportedAt: at(10), verifiedAt: at(9), expiresAt: at(30) }
const reported = (
  facts: KycReport,
  previousStatus: 'pending' | 'verified' | null,
  occurredAt: string,
): Extract<KycEvent, { type: 'noctant.KycStatusReported.v1' }> => ({
  type: 'noctant.KycStatusReported.v1',
  data: { ...facts, previousStatus, occurredAt },
})

describe('a KYC report', () => {
  it('is recorded as the first, without a status before it', () => {
    given([])
      .when({ report, at: at(6) })
      .then([reported(report, null, at(6))])
  })

  it('is recorded with the status before it', () => {
    given([reported(report, null, at(6))])
      .when({ report: verified, at: at(11) })
      .then([reported(verified, 'pending', at(11))])
  })

  it('made at the same time as the standing one takes its place', () => {
    const again = { ...report, providerReference: 'case-2' }
    given([reported(report, null, at(6))])
      .when({ report: again, at: at(7) })
      .then([reported(again, 'pending', at(7))])
  })

  it('sent again is on record with the status before and after it, and changes nothing', () => {
    const known = [reported(verified, 'pending', at(11))]
    const { operatorId, globalUserId, reportedAt } = verified
    const of = { operatorId, globalUserId, previousStatus: 'verified', status: 'verified', reportedAt } as const
    const repeated: KycEvent = { type: 'noctant.KycReportRepeated.v1', data: { ...of, occurredAt: at(12) } }
    given(known)
      .when({ report: verified, at: at(12) })
      .then([repeated])
    expect(given([...known, repeated]).state()).toStrictEqual(given(known).state())
  })

  it('is put in order by all digits of its own time, whatever its offset', () => {
    const sent = (text: string, utc: string) => ({ ...report, reportedAt: utc, reportedAtAsSent: text })
    const standing = sent('2026-03-01T10:00:00.123457+05:45', '2026-03-01T04:15:00.123Z')
    const earlier = sent('2026-03-01T04:15:00.123456z', '2026-03-01T04:15:00.123Z')
    const known = [reported(standing, null, at(20))]
    const typeAfter = (next: KycReport) => {
      const [event] = kyc.decide({ report: next, at: at(21) }, given(known).state())
      return event?.type.split('.')[1]
    }
    expect(typeAfter(earlier)).toBe('KycReportOvertaken')
    expect(typeAfter(sent('2026-03-01T04:15:00.1234570Z', '2026-03-01T04:15:00.123Z'))).toBe('KycReportRepeated')
    expect(typeAfter(sent('2026-03-01T04:15:00.1234571Z', '2026-03-01T04:15:00.123Z'))).toBe('KycStatusReported')
  })

  it('made before the standing one is kept without effect', () => {
    const known = [reported(verified, null, at(11))]
    const overtaken: KycEvent = {
      type: 'noctant.KycReportOvertaken.v1',
      data: { ...report, standingStatus: 'verified', standingReportedAt: at(10), occurredAt: at(12) },
    }
    given(known)
      .when({ report, at: at(12) })
      .then([overtaken])
    expect(given([...known, overtaken]).state()).toStrictEqual(given(known).state())
  })

  it('of a verification needs its time', () => {
    given([])
      .when({ report: { ...verified, verifiedAt: null }, at: at(11) })
      .then(rejects('kyc_report_invalid', '/verified_at'))
  })

  it('of a rejection needs its time', () => {
    given([])
      .when({ report: { ...report, status: 'rejected' }, at: at(11) })
      .then(rejects('kyc_report_invalid', '/rejected_at'))
  })

  it('dated more than a day ahead is refused', () => {
    const ahead = { ...report, reportedAt: '2026-03-03T09:06:00.001Z' }
    given([])
      .when({ report: ahead, at: at(6) })
      .then(rejects('kyc_report_invalid', '/reported_at'))
    given([])
      .when({ report: ahead, at: at(7) })
      .then([reported(ahead, null, at(7))])
  })

  const everything = {
    ...report,
    verifiedAt: at(1),
    rejectedAt: at(2),
    rejectionReason: 'blurred',
    expiresAt: at(50),
  }
  it.each([
    ['pending', {}],
    ['verified', { verifiedAt: at(1), expiresAt: at(50) }],
    ['rejected', { rejectedAt: at(2), rejectionReason: 'blurred' }],
    ['expired', { expiresAt: at(50) }],
  ] as const)('that says %s keeps what means something for it', (status, kept) => {
    const expected = { ...report, status, ...kept }
    given([])
      .when({ report: { ...everything, status }, at: at(6) })
      .then([reported(expected, null, at(6))])
  })
})

describe('a user is verified', () => {
  it('by a report that says so, until it runs out', () => {
    const state = given([reported(verified, null, at(11))]).state()
    expect([isVerified(state, at(29)), isVerified(state, at(30))]).toStrictEqual([true, false])
  })

  it('without end where the report names none, and not without a report', () => {
    const endless = given([reported({ ...verified, expiresAt: null }, null, at(11))]).state()
    expect(isVerified(endless, '2036-01-01T00:00:00.000Z')).toBe(true)
    expect(isVerified(given([]).state(), at(1))).toBe(false)
    expect(isVerified(given([reported(report, null, at(6))]).state(), at(7))).toBe(false)
  })
})
