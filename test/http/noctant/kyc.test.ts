import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kycIdOf } from '../../../src/commands/noctant/kyc.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Api, startApi } from '../api.ts'
import type { TestOperator } from './serving.ts'

let api: Api
let acme: TestOperator
let other: TestOperator
beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  other = await api.addOperator()
})
afterAll(() => api.stop())

async function provisioned(): Promise<string> {
  const { body } = await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: randomUUID() } })
  return body.global_user_id
}
const report = (userId: string, body: object, key = acme.key) =>
  api.call('POST', `/v1/users/${userId}/kyc-status`, { key, body })
const recorded = async (userId: string) => eventsOf(api.store, `noctant.kyc-${kycIdOf(acme.operatorId, userId)}`)

const pending = { status: 'pending', reported_at: '2026-03-01T10:00:00Z', provider_name: 'manual' }
const verified = {
  status: 'verified',
  reported_at: '2026-03-02T10:00:00Z',
  verified_at: '2026-03-02T09:00:00+01:00',
  expires_at: '2099-01-01T00:00:00Z',
}

describe('reportKycStatus', () => {
  it('answers with the report as it stands, and records it with the status before it', async () => {
    const userId = await provisioned()
    await report(userId, pending)
    const answer = await report(userId, { ...verified, rejection_reason: 'of no meaning here' })
    expect([answer.status, answer.body]).toMatchObject([
      200,
      {
        status: 'verified',
        reported_at: '2026-03-02T10:00:00Z',
        verified_at: '2026-03-02T08:00:00.000Z',
        rejection_reason: null,
        provider_name: null,
      },
    ])
    expect((await recorded(userId)).map(({ data }) => [data.previousStatus, data.status])).toStrictEqual([
      [null, 'pending'],
      ['pending', 'verified'],
    ])
  })

  it('keeps a report that was overtaken without letting it overwrite the one that stands', async () => {
    const userId = await provisioned()
    await report(userId, verified)
    const late = await report(userId, pending)
    expect([late.status, late.body.status]).toStrictEqual([200, 'verified'])
    expect((await recorded(userId)).map(({ type }) => type)).toStrictEqual([
      'noctant.KycStatusReported.v1',
      'noctant.KycReportOvertaken.v1',
    ])
  })

  it('answers the same report sent again with the one that stands, and records each', async () => {
    const userId = await provisioned()
    const answers = await Promise.all(Array.from({ length: 30 }, () => report(userId, pending)))
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(29)
    await report(userId, verified)
    expect((await report(userId, pending)).body.status).toBe('verified')
    const events = (await recorded(userId)).map(({ type, data }) => [type.split('.')[1], data.previousStatus ?? null])
    expect(events).toStrictEqual([
      ['KycStatusReported', null],
      ...Array(29).fill(['KycReportRepeated', 'pending']),
      ['KycStatusReported', 'pending'],
      ['KycReportOvertaken', null],
    ])
  })

  it.each(['2026-03-02T10:00:00.123456+05:45', '2026-03-02t10:00:00z', '2016-12-31T23:59:60Z'])(
    'keeps the time of a report as it was sent: %s',
    async (reported_at) => {
      const answer = await report(await provisioned(), { ...pending, reported_at })
      expect([answer.status, answer.body.reported_at]).toStrictEqual([200, reported_at])
    },
  )

  it('of another operator’s user, or of nobody, is 404', async () => {
    const userId = await provisioned()
    const answers = [await report(userId, pending, other.key), await report(randomUUID(), pending)]
    const told = answers.map(({ status, body }) => [status, body.code])
    expect(told).toStrictEqual(Array(2).fill([404, 'user_not_found']))
    expect(await recorded(userId)).toStrictEqual([])
  })

  it.each([
    ['verified without its time', { ...verified, verified_at: null }, '/verified_at'],
    ['rejected without its time', { ...pending, status: 'rejected' }, '/rejected_at'],
    ['a report from the day after tomorrow', { ...pending, reported_at: '2199-01-01T00:00:00Z' }, '/reported_at'],
    ['no time of report', { status: 'pending' }, '/reported_at'],
    ['a time that is none', { ...pending, reported_at: 'yesterday' }, '/reported_at'],
    ['an unknown status', { ...pending, status: 'maybe' }, '/status'],
    ['a provider of 65 characters', { ...pending, provider_name: 'p'.repeat(65) }, '/provider_name'],
  ])('refuses %s with 400 and names the field', async (_, body, pointer) => {
    const userId = await provisioned()
    const answer = await report(userId, body)
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ pointer }])
    expect(await recorded(userId)).toStrictEqual([])
  })

  it('needs its scope', async () => {
    const userId = await provisioned()
    const { key } = await api.addKey(acme.operatorId, ['users:read'])
    expect((await report(userId, pending, key)).status).toBe(403)
  })
})
