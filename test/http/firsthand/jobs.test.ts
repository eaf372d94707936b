import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createJob } from '../../../src/http/firsthand/jobs/create-job.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Answer, type Api, startApi, systemContext } from '../api.ts'
import { addBuyer, addKey, type Buyer, jobRequest, postJob } from './buyers.ts'

let api: Api
let acme: Buyer
let other: Buyer
beforeAll(async () => {
  api = await startApi()
  acme = await addBuyer(api, { cents: 100_000_000 })
  other = await addBuyer(api, { cents: 100_000 })
})
afterAll(() => api.stop())

const balance = async ({ key }: Pick<Buyer, 'key'>): Promise<number> =>
  (await api.buy('GET', '/v1/billing/credits', { key })).body.balance_cents
/** The command that cancelled it, after which the stream of its key is named. */
const keyStreamOf = async (jobId: string) =>
  (await eventsOf(api.store, `firsthand.job-${jobId}`)).at(-1)?.metadata.commandId
const fieldsOf = ({ body }: Answer) => body.error.details?.map(({ field }: { field: string }) => field)

describe('createJob', () => {
  it('answers 201 with the job, which can be read at once, and holds all of its cost', async () => {
    const before = await balance(acme)
    const metadata = { project: 'doors', batch: 7, urgent: false, note: null }
    const posted = await postJob(api, acme.key, {
      metadata,
      accepted_formats: ['image/png', 'image/jpeg', 'image/png'],
    })
    expect(posted.status).toBe(201)
    expect(posted.body).toMatchObject({
      ...{ object: 'job', organization_id: acme.organizationId, status: 'open', files_approved: 0, files_remaining: 4 },
      ...{ accepted_formats: ['image/png', 'image/jpeg'], metadata, completed_at: null, cancelled_at: null },
      ...{ platform_fee_pct: 0.2, total_cost_cents: 100, worker_payout_per_file_cents: 20 },
    })
    const read = await api.buy('GET', `/v1/jobs/${posted.body.id}`, { key: acme.key })
    expect(read.body).toStrictEqual(posted.body)
    expect(await balance(acme)).toBe(before - 100)
  })

  it('takes the fee that the organization has at this moment, and keeps it', async () => {
    const settings = { default_platform_fee_pct: 0.29 }
    const buyer = await addBuyer(api, { cents: 1_000 })
    await api.buy('PATCH', '/v1/organization/settings', { key: buyer.key, body: settings })
    const posted = await postJob(api, buyer.key, { price_per_file_cents: 100, files_needed: 1 })
    expect(posted.body).toMatchObject({ platform_fee_pct: 0.29, worker_payout_per_file_cents: 71 })
    await api.buy('PATCH', '/v1/organization/settings', { key: buyer.key, body: { default_platform_fee_pct: null } })
    const read = await api.buy('GET', `/v1/jobs/${posted.body.id}`, { key: buyer.key })
    expect(read.body.platform_fee_pct).toBe(0.29)
  })

  it('is refused with 402 where the credits do not suffice, writes nothing, and works under the same key later', async () => {
    const buyer = await addBuyer(api, { cents: 99 })
    const [refused, again] = [await postJob(api, buyer.key, {}, 'mine'), await balance(buyer)]
    expect([refused.status, refused.body.error.type, again]).toStrictEqual([402, 'insufficient_credits', 99])
    expect(refused.body.error.details).toStrictEqual([
      { message: 'The job needs 100 cents; 99 can be spent.', code: 'insufficient_credits' },
    ])
    expect((await postJob(api, buyer.key, { files_needed: 3 }, 'mine')).status).toBe(201)
  })

  it('is refused where the organization does not exist, also in the test world', async () => {
    const principal = { organizationId: prefixedId('org', new Date().toISOString(), randomUUID()), environment: 'test' }
    const asked = { bus: api.bus, principal, body: jobRequest(), command: systemContext() }
    await expect(createJob.handle(asked)).rejects.toMatchObject({ code: 'organization_not_found' })
  })

  it('costs nothing in the test world', async () => {
    const buyer = await addBuyer(api)
    const { key } = await addKey(api, buyer.organizationId, { environment: 'test' })
    const posted = await postJob(api, key)
    expect(posted.status).toBe(201)
    expect((await api.buy('GET', '/v1/billing/transactions', { key })).body.data).toStrictEqual([])
    expect((await api.buy('GET', `/v1/jobs/${posted.body.id}`, { key: buyer.key })).status).toBe(404)
    expect((await api.buy('POST', `/v1/jobs/${posted.body.id}/cancel`, { key })).body.status).toBe('cancelled')
  })

  describe('under an idempotency key', () => {
    it('answers a repeat byte for byte as the first time, on every process, whatever became of the job', async () => {
      const key = randomUUID()
      const first = await postJob(api, acme.key, { metadata: { b: 1, a: '2' } }, key)
      await api.buy('POST', `/v1/jobs/${first.body.id}/cancel`, { key: acme.key })
      const asked = {
        key: acme.key,
        body: jobRequest({ metadata: { b: 1, a: '2' } }),
        headers: { 'idempotency-key': key },
      }
      for (const call of [api.buy, api.buySecond]) {
        const again = await call('POST', '/v1/jobs', asked)
        expect(again.status).toBe(201)
        expect(again.headers.get('idempotency-replayed')).toBe('true')
        expect(JSON.stringify(again.body)).toBe(JSON.stringify(first.body))
      }
    })

    it('is refused for another body', async () => {
      await postJob(api, acme.key, {}, 'twice')
      const refused = await postJob(api, acme.key, { files_needed: 5 }, 'twice')
      expect([refused.status, refused.body.error.type]).toStrictEqual([409, 'conflict'])
    })

    it('is the same job for a hundred at once, and its credits are held once', async () => {
      const before = await balance(acme)
      const key = randomUUID()
      const answers = await Promise.all(Array.from({ length: 100 }, () => postJob(api, acme.key, {}, key)))
      expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1)
      expect(await balance(acme)).toBe(before - 100)
    })

    it('is another job in another organization, and in the test world', async () => {
      const { key } = await addKey(api, acme.organizationId, { environment: 'test' })
      const posted = await Promise.all([acme.key, other.key, key].map((each) => postJob(api, each, {}, 'shared')))
      expect(new Set(posted.map(({ body }) => body.id)).size).toBe(3)
    })

    it('is asked for, once and in visible characters', async () => {
      const missing = await api.buy('POST', '/v1/jobs', { key: acme.key, body: jobRequest() })
      expect([missing.status, missing.body.error.type, fieldsOf(missing)]).toStrictEqual([
        ...[400, 'invalid_request', ['Idempotency-Key']],
      ])
      const unfit = await postJob(api, acme.key, {}, 'two words')
      expect([unfit.status, fieldsOf(unfit)]).toStrictEqual([400, ['Idempotency-Key']])
    })
  })

  it.each([
    ['a hundred jobs at once', 100, 37],
    ['nothing for anybody', 10, 0],
  ])('posts as many as the credits pay for: %s', async (_, jobs, paid) => {
    const buyer = await addBuyer(api, { cents: paid * 100 + 99 })
    const answers = await Promise.all(Array.from({ length: jobs }, () => postJob(api, buyer.key)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(paid)
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(jobs - paid)
    expect(await balance(buyer)).toBe(99)
    const events = await eventsOf(api.store, `firsthand.wallet-${buyer.organizationId}_live`)
    expect(events.filter(({ type }) => type === 'firsthand.EscrowHeld.v1')).toHaveLength(paid)
  })

  it.each([
    ['description', 'too short'],
    ['description', ' '.repeat(20)],
    ['description', '😀'.repeat(5_001)],
    ['files_needed', '5'],
    ['files_needed', 10_001],
    ['files_needed', 1.5],
    ['price_per_file_cents', 0],
    ['accepted_formats', []],
    ['accepted_formats', Array(9).fill('image/png')],
    ['accepted_formats.1', ['image/png', 'image/gif']],
    ['metadata.a', { a: { nested: true } }],
    ['metadata.a', { a: 'x'.repeat(1_001) }],
    ['metadata', Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`m${n}`, n]))],
    ['metadata', { ['n'.repeat(101)]: 1 }],
    ['metadata', Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`m${n}`, 'x'.repeat(1_000)]))],
    ['type', 'survey'],
  ])('refuses %s of %j with 422 and names it', async (field, value) => {
    const refused = await postJob(api, acme.key, { [field.split('.')[0]!]: value })
    expect([refused.status, refused.body.error.type]).toStrictEqual([422, 'validation_error'])
    expect(fieldsOf(refused)).toContain(field)
  })

  it.each([
    ['"files_needed":4', '"files_needed":1e3', 201],
    ['"files_needed":4', '"files_needed":1.0', 201],
    ['"price_per_file_cents":25', '"price_per_file_cents":9007199254740993', 422],
    ['"files_needed":4', '"files_needed":4,"metadata":{"n":9007199254740993}', 400],
    ['"files_needed":4', '"files_needed":4,"metadata":{"__proto__":1}', 400],
    ['"files_needed":4', '"files_needed":4,"unknown":{"a":[1]}', 201],
    ['"files_needed":4', '"files_needed":', 400],
  ])('reads numbers as they are written: %s as %s is %i', async (from, to, status) => {
    const raw = JSON.stringify(jobRequest()).replace(from, to)
    const headers = { 'idempotency-key': randomUUID() }
    expect((await api.buy('POST', '/v1/jobs', { key: acme.key, raw, headers })).status).toBe(status)
  })

  it('counts characters, not their halves', async () => {
    expect((await postJob(api, acme.key, { description: '😀'.repeat(5_000) })).status).toBe(201)
  })
})

describe('cancelJob', () => {
  it('ends the job and gives its credits back before it answers', async () => {
    const before = await balance(acme)
    const { body: job } = await postJob(api, acme.key)
    const cancelled = await api.buy('POST', `/v1/jobs/${job.id}/cancel`, { key: acme.key })
    expect(cancelled.body).toStrictEqual({ ...job, status: 'cancelled', cancelled_at: expect.any(String) })
    expect(await balance(acme)).toBe(before)
    expect((await api.buy('GET', `/v1/jobs/${job.id}`, { key: acme.key })).body).toStrictEqual(cancelled.body)
  })

  it('stands for one job under its key: another one under it is refused, and nothing happens to that', async () => {
    const [one, two] = [(await postJob(api, acme.key)).body, (await postJob(api, acme.key)).body]
    const cancel = (id: string) =>
      api.buy('POST', `/v1/jobs/${id}/cancel`, { key: acme.key, headers: { 'idempotency-key': 'the-first-one' } })
    const first = await cancel(one.id)
    expect(first.body.status).toBe('cancelled')
    const refused = await cancel(two.id)
    expect([refused.status, refused.body.error.type]).toStrictEqual([409, 'conflict'])
    expect((await api.buy('GET', `/v1/jobs/${two.id}`, { key: acme.key })).body.status).toBe('open')
    const again = await cancel(one.id)
    expect([again.headers.get('idempotency-replayed'), again.body]).toStrictEqual(['true', first.body])
    const [used] = await eventsOf(api.store, `firsthand.requestKey-${await keyStreamOf(one.id)}`)
    const { organizationId } = acme
    expect(used?.data).toMatchObject({ organizationId, environment: 'live', operation: 'cancelJob' })
  })

  it('leaves its key free where it is refused', async () => {
    const headers = { 'idempotency-key': 'of-a-job-to-come' }
    const missing = prefixedId('job', new Date().toISOString(), randomUUID())
    expect((await api.buy('POST', `/v1/jobs/${missing}/cancel`, { key: acme.key, headers })).status).toBe(404)
    const { body: job } = await postJob(api, acme.key)
    expect((await api.buy('POST', `/v1/jobs/${job.id}/cancel`, { key: acme.key, headers })).status).toBe(200)
  })

  it('is answered the same again, without a second event', async () => {
    const { body: job } = await postJob(api, acme.key)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => api.buy('POST', `/v1/jobs/${job.id}/cancel`, { key: acme.key })),
    )
    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1)
    const types = (await eventsOf(api.store, `firsthand.job-${job.id}`)).map(({ type }) => type)
    expect(types).toStrictEqual(['firsthand.JobPosted.v1', 'firsthand.JobCancelled.v1'])
  })

  it.each(['job_01ARYZ6S410000000000000000', 'job_1', 'x'.repeat(100)])('finds no job %s', async (id) =>
    expect((await api.buy('POST', `/v1/jobs/${id}/cancel`, { key: acme.key })).status).toBe(404),
  )
})

describe('listJobs', () => {
  it('goes through all jobs, newest first, however many come meanwhile', async () => {
    const buyer = await addBuyer(api, { cents: 10_000 })
    const posted: string[] = []
    for (let n = 0; n < 5; n++) posted.push((await postJob(api, buyer.key)).body.id)
    const seen: string[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const query: string = cursor === undefined ? '' : `&cursor=${cursor}`
      const { body } = await api.buy('GET', `/v1/jobs?limit=2${query}`, { key: buyer.key })
      seen.push(...body.data.map(({ id }: { id: string }) => id))
      expect(body.has_more).toBe(body.next_cursor !== null)
      cursor = body.next_cursor
      await postJob(api, buyer.key)
    }
    expect(seen).toStrictEqual(posted.toReversed())
  })

  it('filters by status, type and time, all together', async () => {
    const buyer = await addBuyer(api, { cents: 10_000 })
    const first = (await postJob(api, buyer.key)).body
    const second = (await postJob(api, buyer.key, { type: 'feedback' })).body
    await api.buy('POST', `/v1/jobs/${first.id}/cancel`, { key: buyer.key })
    const list = async (query: string) =>
      (await api.buy('GET', `/v1/jobs?${query}`, { key: buyer.key })).body.data.map(({ id }: { id: string }) => id)
    expect(await list('status=cancelled')).toStrictEqual([first.id])
    expect(await list('type=feedback&status=open')).toStrictEqual([second.id])
    expect(await list('type=feedback&status=cancelled')).toStrictEqual([])
    expect(await list(`created_after=${first.created_at}`)).toStrictEqual([second.id])
    expect(await list(`created_before=${second.created_at}`)).toStrictEqual([first.id])
  })

  it.each([
    ['status=opn', 'status'],
    ['type=x', 'type'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['created_after=yesterday', 'created_after'],
    ['cursor=abc', 'cursor'],
    [`cursor=${'x'.repeat(10_000)}`, 'cursor'],
  ])('refuses %s with 400', async (query, field) => {
    const refused = await api.buy('GET', `/v1/jobs?${query}`, { key: acme.key })
    expect([refused.status, refused.body.error.type, fieldsOf(refused)]).toStrictEqual([
      400,
      'invalid_request',
      [field],
    ])
  })

  it('takes a cursor for the list, the filters and the organization alone that it was given for', async () => {
    const { body } = await api.buy('GET', '/v1/jobs?limit=1', { key: acme.key })
    const cursor = body.next_cursor
    const status = async (path: string, key = acme.key) => (await api.buy('GET', path, { key })).status
    expect(await status(`/v1/jobs?limit=5&cursor=${cursor}`)).toBe(200)
    expect(await status(`/v1/jobs?status=open&cursor=${cursor}`)).toBe(400)
    expect(await status(`/v1/billing/transactions?cursor=${cursor}`)).toBe(400)
    expect(await status(`/v1/jobs?cursor=${cursor}`, other.key)).toBe(400)
    expect(await status(`/v1/jobs?cursor=${cursor.slice(0, -2)}`)).toBe(400)
  })
})

describe('Prefer: wait', () => {
  const get = (id: string, prefer: string, key = acme.key) =>
    api.buy('GET', `/v1/jobs/${id}`, { key, headers: { prefer } })
  const waiting = (count: number) => eventually(() => expect(api.waits.waiting()).toBe(count))

  it('holds the answer until the job has ended', async () => {
    const { body: job } = await postJob(api, acme.key)
    const answers = Promise.all(Array.from({ length: 5 }, () => get(job.id, 'respond-async, wait=1000')))
    await waiting(5)
    await api.buySecond('POST', `/v1/jobs/${job.id}/cancel`, { key: acme.key })
    for (const { status, headers, body } of await answers) {
      expect([status, body.status]).toStrictEqual([200, 'cancelled'])
      // One that came to its look at the job after the end has not waited.
      expect([null, 'wait=60']).toContain(headers.get('preference-applied'))
    }
    await waiting(0)
  })

  it('answers with the state of now when the time is over', async () => {
    const { body: job } = await postJob(api, acme.key)
    const answer = await get(job.id, 'wait=1')
    expect([answer.status, answer.headers.get('preference-applied'), answer.body.status]).toStrictEqual([
      ...[200, 'wait=1', 'open'],
    ])
  })

  it.each(['wait=-1', 'wait=x', 'wait=1e9', 'wait=0', 'respond-async', 'wait=0, wait=60'])(
    '%s does not wait',
    async (prefer) => {
      const { body: job } = await postJob(api, acme.key)
      const answer = await get(job.id, prefer)
      expect([answer.status, answer.headers.get('preference-applied')]).toStrictEqual([200, null])
    },
  )

  it('does not wait for a job that has ended, or is another’s', async () => {
    const { body: job } = await postJob(api, acme.key)
    expect((await get(job.id, 'wait=60', other.key)).status).toBe(404)
    await api.buy('POST', `/v1/jobs/${job.id}/cancel`, { key: acme.key })
    expect((await get(job.id, 'wait=60')).body.status).toBe('cancelled')
  })

  it('frees the place of a client that goes away', async () => {
    const { body: job } = await postJob(api, acme.key)
    const gone = new AbortController()
    const headers = { authorization: `Bearer ${acme.key}`, prefer: 'wait=60' }
    const asking = fetch(`${api.url}/firsthand/v1/jobs/${job.id}`, { headers, signal: gone.signal })
    await waiting(1)
    gone.abort()
    await expect(asking).rejects.toThrow()
    await waiting(0)
  })
})
