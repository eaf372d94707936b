/** Firsthand's webhooks through a whole instance, to real receivers: what arrives, signed how, and what becomes of failures. */
import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { conforms } from '../../http/conforms.ts'
import { jobRequest } from '../../http/firsthand/buyers.ts'
import { eventually } from '../../projections/support.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { webhookEnvironment } from '../../support/webhook-operator.ts'
import {
  answers,
  drips,
  hangs,
  type Received,
  type Receiver,
  resets,
  startReceiver,
} from '../../support/webhook-receiver.ts'

const OVERLAP_MS = 1_000
let stack: Stack
let key: string
let testKey: string
beforeAll(async () => {
  stack = await startStack({
    environment: {
      ...webhookEnvironment,
      FIRSTHAND_WEBHOOK_RETRY_WAITS_MS: '50,60,70',
      FIRSTHAND_SANDBOX_COMPLETION_MS: '200',
      FIRSTHAND_WEBHOOK_SECRET_OVERLAP_S: String(OVERLAP_MS / 1_000),
    },
  })
  const file = join(dirname(stack.logFile), 'sandbox-firsthand.json')
  const keys = JSON.parse(readFileSync(file, 'utf8'))
  key = keys.live_key
  testKey = keys.test_key
})
afterAll(() => stack.close())
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function call(method: string, path: string, body?: unknown, as = key) {
  const response = await fetch(`${stack.url}/firsthand/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${as}`,
      ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const answer = {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
  conforms(method, `/v1${path.split('?')[0]}`, answer, 'firsthand')
  return answer
}

interface Hook {
  id: string
  secret: string
  receiver: Receiver
}

async function addHook(as = key): Promise<Hook> {
  const receiver = await startReceiver()
  const { body } = await call('POST', '/webhook_endpoints', { url: receiver.url }, as)
  closing.push(() => call('DELETE', `/webhook_endpoints/${body.id}`, undefined, as))
  closing.push(() => receiver.close())
  return { id: body.id, secret: body.signing_secret, receiver }
}

async function cancelledJob(): Promise<string> {
  const { body } = await call('POST', '/jobs', jobRequest())
  await call('POST', `/jobs/${body.id}/cancel`)
  return body.id
}

const receives = ({ receiver }: Hook, count: number) =>
  eventually(() => {
    expect(receiver.received.length).toBeGreaterThanOrEqual(count)
    return receiver.received
  })
const eventOf = async (id: string) =>
  (await call('GET', '/webhook_events?limit=100')).body.data.find((event: { id: string }) => event.id === id)
const hasStatus = (id: string, status: string) =>
  eventually(async () => {
    const event = await eventOf(id)
    expect(event).toMatchObject({ status })
    return event
  })
const idOf = ({ headers }: Received) => String(headers['x-firsthand-event-id'])

/** Which of these secrets have signed. */
function signedBy({ headers, body }: Received, ...secrets: string[]): boolean[] {
  const [time = '', ...signatures] = String(headers['x-firsthand-signature']).split(',')
  const text = `${time.slice('t='.length)}.${body}`
  return secrets.map((each) => signatures.includes(`v1=${createHmac('sha256', each).update(text).digest('hex')}`))
}

describe('an event', () => {
  it('arrives at each endpoint as an event of its own, signed by it, with the job as buyers read it', async () => {
    const hooks = [await addHook(), await addHook()]
    const jobId = await cancelledJob()
    const { body: job } = await call('GET', `/jobs/${jobId}`)
    const received: Received[] = []
    for (const hook of hooks) {
      const [one] = await receives(hook, 1)
      received.push(one!)
      expect(one?.event).toStrictEqual({
        ...{ id: idOf(one!), type: 'job.cancelled', created_at: job.cancelled_at, sequence: 1, data: job },
      })
      expect(signedBy(one!, ...hooks.map(({ secret }) => secret))).toStrictEqual(hooks.map((each) => each === hook))
      const event = await hasStatus(idOf(one!), 'delivered')
      expect(event).toMatchObject({ endpoint_id: hook.id, attempt_count: 1, data: job, created_at: job.cancelled_at })
    }
    expect(new Set(received.map(idOf)).size).toBe(2)
  })

  it('tells a rejection as it was decided, an approval with a link to the file, and the end of the job', async () => {
    const hook = await addHook(testKey)
    const asked = { ...jobRequest(), files_needed: 1, metadata: { fh_sandbox: 'reject_first' } }
    const { body: posted } = await call('POST', '/jobs', asked, testKey)
    const received = await receives(hook, 3)
    const byType = new Map(received.map(({ event }) => [event.type, event]))
    const { body: job } = await call('GET', `/jobs/${posted.id}`, undefined, testKey)
    expect(byType.get('job.completed')?.data).toStrictEqual(job)
    const rejection = byType.get('submission.rejected')?.data
    expect(rejection).toMatchObject({
      object: 'submission',
      job_id: job.id,
      status: 'rejected',
      ai_star_rating: 2,
      file: null,
    })
    const { body: submissions } = await call('GET', `/jobs/${job.id}/submissions`, undefined, testKey)
    const { file, ...approval } = byType.get('submission.approved')!.data as { file: Record<string, unknown> }
    expect(submissions.data).toContainEqual({ ...approval, file: expect.objectContaining({ id: file.id }) })
    const answer = await fetch(String(file.download_url))
    expect([answer.status, (await answer.bytes()).length]).toStrictEqual([200, file.size_bytes])
    const listed = await call('GET', '/webhook_events?event_type=submission.rejected', undefined, testKey)
    expect(listed.body.data[0].data).toStrictEqual(rejection)
  })

  it('is replayed for the same request with the same answer, byte for byte, its link to the file too', async () => {
    const hook = await addHook(testKey)
    await call('POST', '/jobs', { ...jobRequest(), files_needed: 1 }, testKey)
    const received = await receives(hook, 2)
    const id = idOf(received.find(({ event }) => event.type === 'submission.approved')!)
    await eventually(async () => {
      const { body } = await call('GET', '/webhook_events?limit=100&status=delivered', undefined, testKey)
      expect(body.data.map((event: { id: string }) => event.id)).toContain(id)
    })
    const headers = { authorization: `Bearer ${testKey}`, 'idempotency-key': randomUUID() }
    const replay = async () => {
      const answer = await fetch(`${stack.url}/firsthand/v1/webhook_events/${id}/replay`, { method: 'POST', headers })
      return [answer.status, answer.headers.get('idempotency-replayed'), await answer.text()]
    }
    const [, , text] = await replay()
    expect(text).toContain('download_url')
    expect(await replay()).toStrictEqual([202, 'true', text])
  })

  it('goes to no endpoint that is disabled when it happens, and is not made up for', async () => {
    const [off, on] = [await addHook(), await addHook()]
    await call('PATCH', `/webhook_endpoints/${off.id}`, { status: 'disabled' })
    await cancelledJob()
    await receives(on, 1)
    await call('PATCH', `/webhook_endpoints/${off.id}`, { status: 'active' })
    const jobId = await cancelledJob()
    const [first] = await receives(off, 1)
    expect(first?.event.data).toMatchObject({ id: jobId })
  })

  it('is signed by two secrets after a rotation, by no third, and by the new one alone when the overlap is over', async () => {
    const hook = await addHook()
    const rotate = async () => (await call('POST', `/webhook_endpoints/${hook.id}/rotate_secret`)).body
    const [second, third] = [await rotate(), await rotate()]
    const secrets = [hook.secret, second.new_secret, third.new_secret]
    await cancelledJob()
    const [during] = await receives(hook, 1)
    expect(signedBy(during!, ...secrets)).toStrictEqual([false, true, true])
    await eventually(() => expect(Date.now()).toBeGreaterThan(Date.parse(third.old_secret_invalidates_at)))
    await cancelledJob()
    const [, after] = await receives(hook, 2)
    expect(signedBy(after!, ...secrets)).toStrictEqual([false, false, true])
  })
})

describe('an endpoint that fails', () => {
  // Row 25 of the table of faults.
  it('is asked again under the same id after 5xx, a reset, silence and a redirect, which is not followed', async () => {
    const hook = await addHook()
    const elsewhere = await startReceiver()
    closing.push(() => elsewhere.close())
    hook.receiver.behave(answers(500), resets, answers(302, { location: elsewhere.url }), answers(204))
    await cancelledJob()
    const received = await receives(hook, 4)
    expect(new Set(received.map(idOf)).size).toBe(1)
    expect(await hasStatus(idOf(received[0]!), 'delivered')).toMatchObject({ attempt_count: 4 })
    expect(elsewhere.received).toStrictEqual([])
  })

  // Rows 24 and 25: an answer without an end is cut at the limit, and others do not wait for it.
  it('by saying nothing, or something for ever, holds up nobody else', async () => {
    const [slow, other] = [await addHook(), await addHook()]
    slow.receiver.behave(drips, hangs, answers(204))
    await cancelledJob()
    const [first] = await receives(other, 1)
    const received = await receives(slow, 3)
    expect(received[1]!.receivedAtMs).toBeGreaterThan(first!.receivedAtMs)
    await hasStatus(idOf(received[0]!), 'delivered')
  })

  it('with 410 is disabled at once, and replays are refused until it is active again', async () => {
    const hook = await addHook()
    hook.receiver.behave(answers(410), answers(204))
    await cancelledJob()
    const [received] = await receives(hook, 1)
    const id = idOf(received!)
    await hasStatus(id, 'failed')
    await eventually(async () => {
      expect((await call('GET', `/webhook_endpoints/${hook.id}`)).body.status).toBe('disabled')
    })
    expect((await call('POST', `/webhook_events/${id}/replay`)).status).toBe(409)
    await call('PATCH', `/webhook_endpoints/${hook.id}`, { status: 'active' })
    expect((await call('POST', `/webhook_events/${id}/replay`)).body).toMatchObject({
      status: 'pending',
      attempt_count: 1,
    })
    expect(await hasStatus(id, 'delivered')).toMatchObject({ attempt_count: 2 })
  })

  // F19.
  it('for all of the schedule leaves a failed event; a replay goes on counting, and to a deleted endpoint is 404', async () => {
    const hook = await addHook()
    hook.receiver.behave(answers(500))
    await cancelledJob()
    const [received] = await receives(hook, 4)
    const id = idOf(received!)
    expect(await hasStatus(id, 'failed')).toMatchObject({ attempt_count: 4 })
    const replayed = await call('POST', `/webhook_events/${id}/replay`)
    expect([replayed.status, replayed.body.attempt_count]).toStrictEqual([202, 4])
    await receives(hook, 8)
    expect(await hasStatus(id, 'failed')).toMatchObject({ attempt_count: 8 })
    await call('DELETE', `/webhook_endpoints/${hook.id}`)
    expect((await call('POST', `/webhook_events/${id}/replay`)).status).toBe(404)
  })

  it('and is deleted meanwhile fails what waited for it, without another attempt', async () => {
    const hook = await addHook()
    hook.receiver.behave(answers(503, { 'retry-after': '3600' }))
    await cancelledJob()
    const [received] = await receives(hook, 1)
    const id = idOf(received!)
    await eventually(async () => expect(await eventOf(id)).toMatchObject({ status: 'pending', attempt_count: 1 }))
    await call('DELETE', `/webhook_endpoints/${hook.id}`)
    expect(await hasStatus(id, 'failed')).toMatchObject({ attempt_count: 1 })
    expect(hook.receiver.received).toHaveLength(1)
  })
})
