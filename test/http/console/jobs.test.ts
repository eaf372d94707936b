/** Maintenance asked for on pages, beside an instance with all its roles: what was asked is on record, and what came of it. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createDatabase, type ReadModels } from '../../../src/postgres/database.ts'
import { runCli } from '../../support/cli.ts'
import { eventsOf } from '../../support/event-store.ts'
import { temporaryDirectory } from '../../support/services.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { fieldIn, formIn, headingOf, newVisitor, type Seen, type Visitor } from './browsing.ts'

const SECRETS_KEY = Buffer.alloc(32, 6).toString('base64')
/** Of a job: a program of its own starts, on a machine that does other things too. */
const JOB_MAX_MS = 60_000
const empty = temporaryDirectory()

let stack: Stack
let db: ReadModels
let admin: Visitor
beforeAll(async () => {
  stack = await startStack({ stream: 'in-process', environment: { SECRETS_KEY } })
  db = createDatabase({ url: stack.databaseUrl, poolMax: 1 })
  const environment = {
    EVENTSTORE_URL: stack.eventStoreUrl,
    DATABASE_URL: stack.databaseUrl,
    DATA_DIR: empty.path,
    SECRETS_KEY,
  }
  const { stdout } = await runCli(['console', '--url', stack.url, '--json'], environment)
  admin = newVisitor(stack.url)
  await admin.enter((JSON.parse(stdout) as { url: string }).url)
}, 120_000)
afterAll(async () => {
  await db?.destroy()
  await stack.close()
  empty.remove()
})

/** Does what the action's page says; answers with the page that follows, and the id of the job. */
async function act(path: string, fields: Record<string, string> = {}): Promise<{ seen: Seen; jobId: string }> {
  const form = await admin.get(path)
  expect([path, form.status]).toEqual([path, 200])
  const seen = await admin.follow(await admin.post(path, { ...formIn(form), ...fields }))
  const jobId =
    /\/console\/jobs\/([0-9a-f-]{36})/.exec(seen.page.querySelector('.message')?.toString() ?? '')?.[1] ?? ''
  expect(jobId).not.toBe('')
  return { seen, jobId }
}

const ended = (jobId: string, status: string) =>
  vi.waitFor(async () => {
    const seen = await admin.get(`/console/jobs/${jobId}`)
    expect([fieldIn(seen, 'status'), seen.page.querySelector('.refusal')?.text ?? '']).toEqual([
      status,
      expect.any(String),
    ])
    return seen
  }, JOB_MAX_MS)

const MODEL = '/console/projections/noctant.operator'

describe('jobs', { timeout: 2 * JOB_MAX_MS }, () => {
  it('a rebuild says what it will do in numbers, is done elsewhere, and shows old rows against new ones', async () => {
    const path = `${MODEL}/actions/rebuild`
    const form = await admin.get(path)
    expect(form.page.querySelector('.says')?.text).toMatch(
      /Builds the tables of noctant\.operator anew \(1 table with .* up to\s+position \d+/,
    )
    expect((await admin.post(path, formIn(form))).status).toBe(400)
    const { seen, jobId } = await act(path, { reason: 'a row was edited by hand' })
    expect(headingOf(seen)).toContain('noctant.operator')
    const job = await ended(jobId, 'done')
    expect(job.page.querySelector('table')?.text).toContain('noctant_operators')
    const [asked, , ...others] = await eventsOf(stack.store, `console.job-${jobId}`)
    expect(asked).toMatchObject({
      data: { kind: 'rebuild', projection: 'noctant.operator', reason: 'a row was edited by hand' },
      metadata: { actor: { kind: 'admin' } },
    })
    expect(others.at(-1)?.type).toBe('console.JobFinished.v1')
    expect((await admin.get('/console/jobs')).page.querySelector('tbody')?.text).toContain('noctant.operator')
  })

  it('the tables that it has kept are put back, once their name was typed', async () => {
    const path = `${MODEL}/actions/rollback`
    const form = await admin.get(path)
    expect((await admin.post(path, { ...formIn(form), reason: 'a trial' })).status).toBe(400)
    const { jobId } = await act(path, { reason: 'a trial', confirm: 'noctant.operator' })
    await ended(jobId, 'done')
    const other = await admin.get('/console/projections/noctant.user/actions/rollback')
    expect(other.page.querySelector('[role=alert]')?.text).toContain('No tables of noctant.user are kept')
  })

  it('a verification reads the log, and has findings as a sheet', async () => {
    const { jobId } = await act('/console/verification/actions/start')
    const job = await ended(jobId, 'done')
    expect([fieldIn(job, 'kind'), fieldIn(job, 'findings_total')]).toEqual(['verification', '0'])
    expect((await admin.get(`/console/jobs/${jobId}?format=csv`)).text).toMatch(/^kind,stream,revision,/)
    expect((await admin.get('/console/verification')).page.querySelectorAll('tbody tr')).toHaveLength(1)
  })

  it('what cannot be done says why, in full', async () => {
    const { jobId } = await act('/console/verification/actions/start', { stream: 'noctant.account-of-nobody' })
    const job = await ended(jobId, 'refused')
    expect(job.page.querySelector('.refusal')?.text).toContain('There are no events of noctant.account-of-nobody.')
    const { jobId: again } = await act(`/console/jobs/${jobId}/actions/again`, { reason: 'perhaps now' })
    await ended(again, 'refused')
  })

  it('one that runs, and one that waits behind it, are cancelled', async () => {
    const first = await act(`${MODEL}/actions/estimate`)
    const second = await act(`${MODEL}/actions/verify`)
    for (const { jobId } of [second, first]) {
      const path = `/console/jobs/${jobId}/actions/cancel`
      const form = await admin.get(path)
      await admin.follow(await admin.post(path, { ...formIn(form), reason: 'the wrong one' }))
    }
    await ended(first.jobId, 'cancelled')
    await ended(second.jobId, 'cancelled')
    expect(
      (await admin.get(`/console/jobs/${first.jobId}/actions/cancel`)).page.querySelector('[role=alert]')?.text,
    ).toContain('has ended')
  })

  it('a pause stops the read models of a context until they are resumed', async () => {
    await ended((await act(`${MODEL}/actions/pause`, { reason: 'a look' })).jobId, 'done')
    expect((await admin.get('/console/projections')).page.querySelector('main')?.text).toContain('paused')
    expect((await admin.get(`${MODEL}/actions/pause`)).page.querySelector('[role=alert]')?.text).toContain(
      'They are paused',
    )
    await ended((await act(`${MODEL}/actions/resume`, { reason: 'seen' })).jobId, 'done')
    const own = await admin.get('/console/projections/console.session/actions/pause')
    expect(own.page.querySelector('[role=alert]')?.text).toContain('Nobody could sign in')
  })

  /** What a read model could not take in: this event of the stream. */
  const park = (projection: string, stream: string, { id, type }: { id: string; type: string }) =>
    sql`INSERT INTO opslog_parked_events (projection, stream, revision, position, event_id, type, fault)
      VALUES (${projection}, ${stream}, 0, 1, ${id}::uuid, ${type}, 'for a <b>test</b>')`.execute(db)

  it('a parked stream is taken in when it is retried', async () => {
    const answer = await fetch(`${stack.url}/noctant/v1/users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ external_id: 'parked-1' }),
    })
    const { global_user_id: id } = (await answer.json()) as { global_user_id: string }
    const stream = `noctant.user-${id}`
    const [first] = await eventsOf(stack.store, stream)
    await vi.waitFor(async () => {
      const deleted = await sql`DELETE FROM noctant_users WHERE global_user_id = ${id}::uuid`.execute(db)
      expect(deleted.numAffectedRows).toBe(1n)
    })
    await park('noctant.user', stream, { id: first?.id ?? '', type: first?.type ?? '' })
    const path = `/console/parked/noctant.user/${stream}`
    expect((await admin.get('/console/parked')).page.querySelector('main')?.text).toContain(stream)
    const seen = await admin.get(path)
    expect(seen.page.querySelector('pre')?.text).toBe('for a <b>test</b>')
    expect((await admin.get(`${path}/actions/retry`)).page.querySelector('.says')?.text).toContain(
      'nothing stands behind it',
    )
    await ended((await act(`${path}/actions/retry`, { reason: 'it was mended' })).jobId, 'done')
    expect((await admin.get(path)).status).toBe(404)
    expect((await admin.get(`/console/noctant/users/${id}`)).status).toBe(200)
  })

  it('one that is retried in vain says why, and is given up once its name was typed', async () => {
    const stream = `noctant.engine-${randomUUID()}`
    await park('noctant.order', stream, { id: randomUUID(), type: 'noctant.EngineOrderPlaced.v1' })
    const path = `/console/parked/noctant.order/${stream}`
    const { jobId } = await act(`${path}/actions/retry`, { reason: 'perhaps' })
    const refused = await ended(jobId, 'refused')
    expect(refused.page.querySelector('.refusal')?.text.trim()).not.toBe('')
    const form = await admin.get(`${path}/actions/skip`)
    const lacking: Record<string, string>[] = [{ reason: 'lost' }, { confirm: stream }]
    for (const fields of lacking) {
      expect((await admin.post(`${path}/actions/skip`, { ...formIn(form), ...fields })).status).toBe(400)
    }
    const skipped = await act(`${path}/actions/skip`, { reason: 'lost for good', confirm: stream })
    await ended(skipped.jobId, 'done')
    expect((await admin.get(path)).status).toBe(404)
    const [asked] = await eventsOf(stack.store, `console.job-${skipped.jobId}`)
    expect(asked).toMatchObject({
      data: { kind: 'skip', projection: 'noctant.order', stream, reason: 'lost for good' },
      metadata: { actor: { kind: 'admin' } },
    })
  })
})
