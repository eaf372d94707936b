/** An organization's own log at the audit API: what its keys with `audit:read` open, and what they do not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordedTenantOf } from '../../../src/audit/scope.ts'
import { worker } from '../../../src/commands/firsthand/worker.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { addFiles } from '../firsthand/approved-files.ts'
import { addBuyer, addKey, type Buyer, jobRequest, postJob } from '../firsthand/buyers.ts'

let api: Api
let acme: Buyer
let other: Buyer
const jobs = new Map<Buyer, string>()
beforeAll(async () => {
  api = await startApi()
  acme = await addBuyer(api, { cents: 10_000 })
  other = await addBuyer(api, { cents: 10_000 })
  for (const buyer of [acme, other]) {
    const { body } = await postJob(api, buyer.key)
    jobs.set(buyer, body.id)
    await api.buy('POST', `/v1/jobs/${body.id}/cancel`, { key: buyer.key })
  }
})
afterAll(() => api.stop())

const history = (key: string, thing: string | undefined) => api.audit(`/v1/history/${thing}?limit=100`, { key })
/** Keys are known to the audit API a moment after they are made. */
const opened = (key: string, thing: string | undefined) =>
  eventually(async () => {
    const answer = await history(key, thing)
    expect(answer.status).toBe(200)
    return answer.body
  })

describe('a key with audit:read', () => {
  it('opens the history of a job, from the credits that were held to those that came back', async () => {
    const { events } = await opened(acme.key, jobs.get(acme))
    expect(events.map(({ type }: { type: string }) => type)).toStrictEqual([
      'firsthand.EscrowHeld.v1',
      'firsthand.JobPosted.v1',
      'firsthand.JobCancelled.v1',
      'firsthand.EscrowRefunded.v1',
    ])
  })

  it('opens what came of a request: the job that its hold has posted, the refund of its end', async () => {
    const steps = async (method: string, path: string, asked: object) => {
      const { headers } = await api.buy(method, path, { key: acme.key, ...asked })
      const { body } = await eventually(async () => {
        const answer = await api.audit(`/v1/traces/${headers.get('x-request-id')}`, { key: acme.key })
        expect(answer.status).toBe(200)
        return answer
      })
      return body.steps.map(({ type, depth }: { type: string; depth: number }) => [type.split('.')[1], depth])
    }
    const headers = { 'idempotency-key': 'traced' }
    expect(await steps('POST', '/v1/jobs', { body: jobRequest(), headers })).toStrictEqual([
      ['EscrowHeld', 0],
      ['JobPosted', 1],
    ])
    const { body } = await api.buy('POST', '/v1/jobs', { key: acme.key, body: jobRequest(), headers })
    expect(await steps('POST', `/v1/jobs/${body.id}/cancel`, {})).toStrictEqual([
      ['JobCancelled', 0],
      ['EscrowRefunded', 1],
    ])
  })

  it('opens the organization’s own events and no other’s', async () => {
    const { events } = await opened(acme.key, acme.organizationId)
    expect(events.length).toBeGreaterThan(5)
    expect(JSON.stringify(events)).not.toContain(other.organizationId)
    for (const thing of [jobs.get(other), other.organizationId, `firsthand.organization-${other.organizationId}`]) {
      expect((await history(acme.key, thing)).status).toBe(404)
    }
  })

  it('opens nothing of a worker, though its earnings name the organization’s jobs', async () => {
    const workerId = 'wkr_01KJPV4G8RZ0000000000000009'
    const jobId = jobs.get(acme)!
    const at = new Date().toISOString()
    await api.bus.handle(
      worker,
      workerId,
      { kind: 'register', name: 'Ada', email: null, synthetic: false, workerId, at },
      systemContext(),
    )
    const credit = { kind: 'credit', submissionId: 'sub_x', jobId, amountCents: 20n, at } as const
    const { events: credited } = await api.bus.handle(worker, workerId, { ...credit, workerId }, systemContext())
    expect(credited).toHaveLength(1)
    expect((await history(acme.key, workerId)).status).toBe(404)
    const { events } = await opened(acme.key, jobId)
    expect(JSON.stringify(events)).not.toContain('EarningCredited')
  })

  it('shows no name of a file, approved or not: the worker’s own words are sealed', async () => {
    const { body } = await postJob(api, acme.key)
    const [good, bad] = await addFiles(api, body.id, [
      { filename: 'paid-door.jpg' },
      { filename: 'kept.jpg', stars: 1 },
    ])
    for (const made of [good!, bad!]) {
      const { events } = await opened(acme.key, made.submissionId)
      const stored = events.find(({ type }: { type: string }) => type === 'firsthand.UploadStored.v1')
      expect(stored.data).toMatchObject({ jobId: body.id, filename: '[sealed]' })
      const state = await api.audit(`/v1/states/${made.submissionId}`, { key: acme.key })
      expect(state.status).toBe(200)
      expect(JSON.stringify([events, state.body])).not.toMatch(/door\.jpg|kept\.jpg/)
    }
    const { key } = await api.addAuditor(null)
    expect(JSON.stringify(await opened(key, bad!.submissionId))).toContain('kept.jpg')
  })

  it('is on record with what it read, under the UUID of the organization', async () => {
    await opened(acme.key, jobs.get(acme))
    const readings = await eventsOf(api.store, `audit.reading-${acme.keyId}`)
    expect(readings.at(-1)?.data).toMatchObject({
      keyId: acme.keyId,
      operatorId: recordedTenantOf(acme.organizationId),
    })
  })

  it('is refused without the scope, of the test world, and once it is revoked', async () => {
    const scopeless = await addKey(api, acme.organizationId, { scopes: ['jobs:read'] })
    const ofTest = await addKey(api, acme.organizationId, { environment: 'test' })
    for (const { key } of [scopeless, ofTest]) expect((await history(key, jobs.get(acme))).status).toBe(403)
    const { key, keyId } = await addKey(api, acme.organizationId)
    await opened(key, jobs.get(acme))
    await api.buy('POST', `/v1/api_keys/${keyId}/revoke`, { key: acme.key })
    await eventually(async () => expect((await history(key, jobs.get(acme))).status).toBe(401))
  })
})

describe('an auditor’s key of an organization', () => {
  it('opens what the organization’s own key opens', async () => {
    const { key } = await api.addAuditor(recordedTenantOf(acme.organizationId))
    expect((await opened(key, jobs.get(acme))).events).toHaveLength(4)
    expect((await history(key, jobs.get(other))).status).toBe(404)
  })
})
