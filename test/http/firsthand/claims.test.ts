/** What workers do with seats, over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { worker } from '../../../src/commands/firsthand/worker.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { addBuyer, addKey, type Buyer, postJob } from './buyers.ts'
import { addWorker, claimSeat, type Worker, work } from './crew.ts'

let api: Api
let buyer: Buyer
let wilma: Worker
let otto: Worker
beforeAll(async () => {
  api = await startApi()
  buyer = await addBuyer(api, { cents: 1_000_000 })
  wilma = await addWorker(api)
  otto = await addWorker(api, 'Otto')
})
afterAll(() => api.stop())

const jobOf = async (files: number) => (await postJob(api, buyer.key, { files_needed: files })).body.id as string
const listed = async (of: Worker) => {
  const { body } = await work(api, of, 'GET', '/jobs?limit=100')
  return body.data as { id: string }[]
}

describe('the jobs that workers see', () => {
  it('are live, have a free seat, and say nothing of the buyer', async () => {
    const jobId = await jobOf(1)
    expect((await listed(wilma)).find(({ id }) => id === jobId)).toStrictEqual({
      ...{ id: jobId, object: 'job', type: 'data_collection', description: 'Pictures of doors, each from the street' },
      ...{ accepted_formats: ['image/jpeg', 'image/png'], payout_cents: 20, files_remaining: 1 },
    })
    expect((await claimSeat(api, wilma, jobId)).status).toBe(201)
    expect((await listed(otto)).map(({ id }) => id)).not.toContain(jobId)
  })

  it('are none of the test world', async () => {
    const { key } = await addKey(api, buyer.organizationId, { environment: 'test' })
    const { body } = await postJob(api, key)
    expect((await listed(wilma)).map(({ id }) => id)).not.toContain(body.id)
    expect((await claimSeat(api, wilma, body.id)).status).toBe(404)
  })
})

describe('a worker’s token', () => {
  it('signs in no buyer, nor a buyer’s key a worker', async () => {
    const asBuyer = await api.buy('GET', '/v1/jobs', { key: wilma.token })
    const asWorker = await work(api, { token: buyer.key }, 'GET', '/jobs')
    for (const { status, body, headers } of [asBuyer, asWorker]) {
      expect([status, body.error.type]).toStrictEqual([401, 'authentication_error'])
      expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="firsthand"/)
    }
  })
})

describe('a claim', () => {
  it('names the seat, and the job is in progress', async () => {
    const jobId = await jobOf(2)
    const { status, body } = await claimSeat(api, wilma, jobId)
    expect(status).toBe(201)
    expect(body).toStrictEqual({
      ...{ id: expect.stringMatching(/^clm_/), object: 'claim', job_id: jobId, payout_cents: 20 },
      ...{ submission_id: expect.stringMatching(/^sub_/), accepted_formats: ['image/jpeg', 'image/png'] },
      ...{ bytes_max: 20 * 1_048_576, expires_at: expect.stringMatching(/Z$/) },
    })
    expect((await api.buy('GET', `/v1/jobs/${jobId}`, { key: buyer.key })).body.status).toBe('in_progress')
  })

  it('is the same again under its key', async () => {
    const jobId = await jobOf(2)
    const asked = { headers: { 'idempotency-key': 'mine' } }
    const first = await work(api, wilma, 'POST', `/jobs/${jobId}/claims`, asked)
    const again = await work(api, wilma, 'POST', `/jobs/${jobId}/claims`, asked)
    expect([again.status, again.headers.get('idempotency-replayed')]).toStrictEqual([201, 'true'])
    expect(again.body).toStrictEqual(first.body)
    const other = await work(api, wilma, 'POST', `/jobs/${await jobOf(2)}/claims`, asked)
    expect([other.status, other.body.error.type]).toStrictEqual([409, 'conflict'])
    const byOtto = await work(api, otto, 'POST', `/jobs/${jobId}/claims`, asked)
    expect([byOtto.status, byOtto.headers.get('idempotency-replayed')]).toStrictEqual([201, null])
  })

  it('is refused where there are three open ones, and where there is no seat', async () => {
    const many = await jobOf(9)
    for (const _ of [1, 2, 3]) expect((await claimSeat(api, wilma, many)).status).toBe(201)
    expect((await claimSeat(api, wilma, many)).body.error).toMatchObject({ type: 'conflict' })
    expect((await claimSeat(api, otto, many)).status).toBe(201)
    const one = await jobOf(1)
    expect((await claimSeat(api, wilma, one)).status).toBe(201)
    expect((await claimSeat(api, otto, one)).status).toBe(409)
  })

  it('frees its seat when it is given back, once and again', async () => {
    const jobId = await jobOf(1)
    const { body } = await claimSeat(api, wilma, jobId)
    expect((await work(api, otto, 'DELETE', `/claims/${body.id}`)).status).toBe(404)
    expect((await work(api, wilma, 'DELETE', `/claims/${body.id}`)).status).toBe(204)
    expect((await work(api, wilma, 'DELETE', `/claims/${body.id}`)).status).toBe(204)
    expect((await claimSeat(api, otto, jobId)).status).toBe(201)
  })

  it('ends with its job', async () => {
    const jobId = await jobOf(1)
    await claimSeat(api, wilma, jobId)
    await api.buy('POST', `/v1/jobs/${jobId}/cancel`, { key: buyer.key })
    expect((await claimSeat(api, otto, jobId)).status).toBe(409)
  })
})

describe('claims of one day', () => {
  it('are bounded, and refused ones do not count', async () => {
    const busy = await addWorker(api, 'Busy')
    const one = await jobOf(1)
    await claimSeat(api, otto, one)
    for (let n = 0; n < 5; n++) expect((await claimSeat(api, busy, one)).status).toBe(409)
    for (let n = 0; n < 50; n++) {
      if (n % 3 === 0) expect((await claimSeat(api, busy, await jobOf(3))).status).toBe(201)
      else {
        const [newest] = await listed(busy)
        expect((await claimSeat(api, busy, newest?.id ?? '')).status).toBe(201)
      }
    }
    const { status, body } = await claimSeat(api, busy, await jobOf(1))
    expect([status, body.error.message]).toStrictEqual([409, expect.stringContaining('50 seats a day')])
  })
})

describe('seats that many want', () => {
  it('are given to 50 of 200 at once', async () => {
    const jobId = await jobOf(50)
    const crew = await Promise.all(Array.from({ length: 20 }, (_, n) => addWorker(api, `worker ${n}`)))
    const attempts = Array.from({ length: 200 }, (_, n) => claimSeat(api, crew[n % 20]!, jobId))
    const counts = new Map<number, number>()
    for (const { status } of await Promise.all(attempts)) counts.set(status, (counts.get(status) ?? 0) + 1)
    // Each of the 20 has room for three.
    expect(Object.fromEntries(counts)).toStrictEqual({ 201: 50, 409: 150 })
  })
})

describe('a worker', () => {
  it('who is suspended is let in no more', async () => {
    const { workerId, ...of } = await addWorker(api, 'Sus')
    const at = new Date().toISOString()
    await api.bus.handle(worker, workerId, { kind: 'suspend', workerId, reason: null, at }, systemContext())
    await eventually(async () => expect((await work(api, of, 'GET', '/jobs')).status).toBe(403))
    await api.bus.handle(worker, workerId, { kind: 'resume', workerId, reason: null, at }, systemContext())
    await eventually(async () => expect((await work(api, of, 'GET', '/jobs')).status).toBe(200))
  })

  it('begins with nothing earned', async () => {
    const { body } = await work(api, otto, 'GET', '/earnings')
    expect(body).toStrictEqual({
      ...{ balance_cents: 0, currency: 'usd', approved_count: 0, data: [], has_more: false, next_cursor: null },
    })
  })

  it('sees no submission of another', async () => {
    expect((await work(api, wilma, 'GET', '/submissions/sub_00000000000000000000000000')).status).toBe(404)
    expect((await work(api, wilma, 'POST', '/submissions/sub_00000000000000000000000000/retry')).status).toBe(404)
  })
})
