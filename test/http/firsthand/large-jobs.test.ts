/** Jobs as large as they may be, over HTTP: listed to the last file, and ended with every seat taken. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { job } from '../../../src/commands/firsthand/job.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { addBuyer, type Buyer, postJob } from './buyers.ts'

const FILES = 10_000
const SEATS = 500
const PAGE = 100
const AT_ONCE = 50
/** A thousand commands, on a machine that does other things too. */
const TEST_MAX_MS = 60_000

let api: Api
let acme: Buyer
beforeAll(async () => {
  api = await startApi()
  acme = await addBuyer(api, { cents: 10_000_000 })
})
afterAll(() => api.stop())

const post = async (): Promise<string> => (await postJob(api, acme.key, { files_needed: FILES })).body.id
const balance = async (): Promise<number> =>
  (await api.buy('GET', '/v1/billing/credits', { key: acme.key })).body.balance_cents

/** The rows of a job that has all of its files: how a page is found does not hang on how they came there. */
async function fill(jobId: string): Promise<void> {
  const of = sql`${jobId}, ${acme.organizationId}, 'live'`
  const numbers = sql`generate_series(1, ${FILES}) n`
  // Many of the same millisecond, so that the id decides.
  const time = sql`timestamptz '2026-03-02 09:00Z' + (n / 7) * interval '1 millisecond'`
  await sql`INSERT INTO firsthand_submissions (submission_id, job_id, organization_id, environment, worker_id, status,
      attempt, round, stars, reason, cause, file_id, payout_cents, created_at, scored_at)
    SELECT 'sub_' || n, ${of}, 'wkr_1', 'approved', 1, 1, 5, 'As it is.', NULL, 'file_' || n, 20, ${time}, ${time}
    FROM ${numbers}`.execute(api.db)
  await sql`INSERT INTO firsthand_files (file_id, job_id, organization_id, environment, submission_id, worker_id,
      original_filename, object_key, content_type, size_bytes, sha256, width, height, duration_seconds, created_at, approved_at)
    SELECT 'file_' || n, ${of}, 'sub_' || n, 'wkr_1', NULL, 'files/live/org/job/file_' || n, 'image/png', 1, 'x', 1, 1,
      NULL, ${time}, ${time}
    FROM ${numbers}`.execute(api.db)
}

describe('a job of 10,000 files', { timeout: TEST_MAX_MS }, () => {
  it.each(['files', 'submissions'])('lists its %s to the last, each once, a hundred at a time', async (list) => {
    const jobId = await post()
    await fill(jobId)
    const seen = new Set<string>()
    let pages = 0
    for (let cursor: string | null = ''; cursor !== null; pages++) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { status, body } = await api.buy('GET', `/v1/jobs/${jobId}/${list}?limit=${PAGE}${query}`, {
        key: acme.key,
      })
      expect([status, body.data.length]).toStrictEqual([200, PAGE])
      for (const { id } of body.data) seen.add(id)
      cursor = body.next_cursor
    }
    expect([seen.size, pages]).toStrictEqual([FILES, FILES / PAGE])
    await sql`DELETE FROM firsthand_submissions WHERE job_id = ${jobId}`.execute(api.db)
    await sql`DELETE FROM firsthand_files WHERE job_id = ${jobId}`.execute(api.db)
  })

  it('is cancelled with all of its seats taken, in one append, and gives everything back', async () => {
    const before = await balance()
    const jobId = await post()
    const { at } = systemContext()
    const expiresAt = new Date(Date.parse(at) + 3_600_000).toISOString()
    const limits = { openSeatsMax: SEATS, workerClaimsMax: SEATS }
    const idOf = (prefix: string) => prefixedId(prefix, at, randomUUID())
    const workerId = idOf('wkr')
    const take = async () => {
      const [claimId, submissionId, fileId] = [idOf('clm'), idOf('sub'), idOf('file')]
      const seat = { environment: 'live', claimId, submissionId, workerId, expiresAt, limits, at } as const
      await api.bus.handle(job, jobId, { kind: 'claim', ...seat }, systemContext())
      await api.bus.handle(job, jobId, { kind: 'receive', claimId, fileId, round: 1, at }, systemContext())
    }
    for (let n = 0; n < SEATS; n += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, take))
    const { status, body } = await api.buy('POST', `/v1/jobs/${jobId}/cancel`, { key: acme.key })
    expect([status, body.status, await balance()]).toStrictEqual([200, 'cancelled', before])
    const events = await eventsOf(api.store, `firsthand.job-${jobId}`)
    const ended = events.slice(-SEATS - 1)
    expect(ended.filter(({ type }) => type === 'firsthand.SubmissionRejected.v1')).toHaveLength(SEATS)
    expect(ended.at(-1)?.type).toBe('firsthand.JobCancelled.v1')
    expect((await api.buy('GET', `/v1/jobs/${jobId}`, { key: acme.key })).body).toStrictEqual(body)
  })
})
