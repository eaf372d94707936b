import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { linkOf } from '../../../src/audit/chain.ts'
import { firstContinuation, readHistory } from '../../../src/audit/history.ts'
import { unlimited } from '../../../src/audit/scan.ts'
import { everything } from '../../../src/audit/scope.ts'
import { auditRules } from '../../support/contexts.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Answer, type Api, startApi } from '../api.ts'
import { accountRequest } from '../noctant/serving.ts'
import { pagesOf, rawEvents, SHARED, setStatus, type Tenant, tenant } from './ground.ts'

let api: Api
let acme: Tenant
let key: string
let keyId: string
beforeAll(async () => {
  api = await startApi()
  acme = await tenant(api)
  await tenant(api)
  const auditor = await api.addAuditor(acme.operatorId)
  key = auditor.key
  keyId = auditor.keyId
}, 60_000)
afterAll(() => api.stop())
beforeEach(() => Object.assign(api.auditLimits, { eventsMax: 100_000, timeMaxMs: 60_000, traceEventsMax: 300 }))

interface Entry {
  event_id: string
  sentence: string
  stream: string
  hash: string
}
const entriesOf = async (path: string): Promise<Entry[]> =>
  (await pagesOf(api, path, key)).flatMap(({ body }) => body.events)

describe('GET /v1/history', () => {
  it('tells who did what, by which request, with the link of the chain, across the thing’s streams', async () => {
    const { status, body } = await api.audit(`/v1/history/${SHARED}`, { key })
    expect(status).toBe(200)
    const changed = body.events.find(({ sentence }: Entry) => sentence.startsWith('The status went'))
    expect(changed).toMatchObject({
      sentence: 'The status went from active to disabled: asked.',
      actor: { kind: 'operator', id: acme.operatorId, key_id: acme.keyId },
      request_id: acme.requestId,
      stream: `noctant.account-${acme.programAccountId}`,
      revision: '2',
    })
    const stored = (await rawEvents(api)).find(({ id }) => id === changed.event_id)!
    expect(linkOf(stored)).toMatchObject({ hash: changed.hash })
    expect(body.events.map(({ sentence }: Entry) => sentence)).toContain(
      'A correction of -5.00 USD was asked for: fee.',
    )
    expect(body).toMatchObject({ thing: SHARED, count: body.events.length, next_cursor: null })
  })

  it('is found by any of the thing’s names', async () => {
    const byName = await entriesOf(`/v1/history/${SHARED}`)
    for (const name of [acme.programAccountId, `noctant.account-${acme.programAccountId}`]) {
      const entries = await entriesOf(`/v1/history/${name}`)
      expect(entries.map(({ event_id }) => event_id)).toEqual(
        expect.arrayContaining(byName.slice(0, 4).map(({ event_id }) => event_id)),
      )
    }
    const user = await entriesOf(`/v1/history/${acme.userId}`)
    expect(user[0]?.sentence).toBe('The user trader-1 (ada@example.com) was provisioned.')
    expect((await entriesOf(`/v1/history/${acme.payoutRequestId}`)).length).toBeGreaterThan(0)
    expect((await entriesOf(`/v1/history/${acme.requestId}`)).length).toBeGreaterThan(0)
  })

  it('is found by a name that is no plain word', async () => {
    const name = 'A/B "ü" \\ 100%'
    const request = { ...accountRequest(name), currency: 'USD' }
    expect((await api.call('POST', '/v1/accounts', { key: acme.key, body: request })).status).toBe(201)
    const { status, body } = await api.audit(`/v1/history/${encodeURIComponent(name)}`, { key })
    expect([status, body.thing]).toStrictEqual([200, name])
    expect(body.events[0].data.externalAccountId).toBe(name)
  })

  it.each([
    ['pages of two', { eventsMax: 100_000 }, '?limit=2'],
    ['a budget of seven events a request', { eventsMax: 7 }, ''],
    ['no time at all', { timeMaxMs: 0 }, ''],
  ])('comes in %s to the same end as in one', async (_, limits, query) => {
    const ground = { log: api.rawLog, scope: everything, budget: unlimited(), personKeys: undefined, rules: auditRules }
    const { externalAccountId, accountId } = acme.traded
    const whole = await readHistory(ground, externalAccountId, await firstContinuation(api.rawLog), 10_000)
    // The engine knows the account by another id, which the history has to learn on its way.
    expect(whole.described.map(({ raw }) => raw.stream)).toContain(`noctant.engine-${accountId}`)
    Object.assign(api.auditLimits, limits)
    const pages = await pagesOf(api, `/v1/history/${externalAccountId}${query}`, key, { pagesMax: 2_000 })
    expect(pages.length).toBeGreaterThan(3)
    const ids = pages.flatMap(({ body }) => body.events.map(({ event_id }: Entry) => event_id))
    expect(ids).toStrictEqual(whole.described.map(({ raw }) => raw.id))
    for (const { body } of pages)
      expect(body.events_read).toBeLessThanOrEqual((limits as { eventsMax?: number }).eventsMax ?? 1_000)
  })

  it('ends where the log ended when it was asked for first, whatever is written meanwhile', async () => {
    const first = await api.audit(`/v1/history/${SHARED}?limit=1`, { key })
    await setStatus(api, acme, 'active')
    const rest = await pagesOf(api, `/v1/history/${SHARED}?limit=1`, key, { from: first.body.next_cursor })
    const sentences = rest.flatMap(({ body }) => body.events.map(({ sentence }: Entry) => sentence))
    expect(sentences).not.toContain('The status went from disabled to active: asked.')
    const now = await entriesOf(`/v1/history/${SHARED}`)
    expect(now.map(({ sentence }) => sentence)).toContain('The status went from disabled to active: asked.')
  })

  it('answers 404 at the end of a search that has found nothing, and takes a cursor for its own question alone', async () => {
    Object.assign(api.auditLimits, { eventsMax: 10 })
    const pages = await pagesOf(api, `/v1/history/${randomUUID()}`, key)
    expect(pages.length).toBeGreaterThan(3)
    expect(pages.map(({ status }) => status)).toStrictEqual([...pages.slice(1).map(() => 200), 404])
    const [{ body } = { body: {} }] = pages
    const other = await api.audit(`/v1/history/${SHARED}?cursor=${body.next_cursor}`, { key })
    expect([other.status, other.body.errors[0].code]).toStrictEqual([400, 'invalid_format'])
  })
})

describe('GET /v1/traces', () => {
  it('is the tree of what a request has caused, with the time of each step', async () => {
    const { body } = await api.audit(`/v1/traces/${acme.requestId}`, { key })
    const [first, second] = body.steps
    expect(first).toMatchObject({
      request_id: acme.requestId,
      depth: 0,
      caused_by: null,
      step_ms: 0,
      since_start_ms: 0,
    })
    expect(second).toMatchObject({ depth: 1, caused_by: first.event_id })
    expect(second.sentence).toMatch(/^The engine was asked to disable_account/)
    expect(second.step_ms).toBeGreaterThanOrEqual(0)
    expect(body).toMatchObject({ id: acme.requestId, count: body.steps.length, is_cut: false, next_cursor: null })
  })

  it('is the same however many requests it takes, and is cut where it is too long', async () => {
    const whole = await api.audit(`/v1/traces/${acme.requestId}`, { key })
    Object.assign(api.auditLimits, { eventsMax: 9 })
    const pages = await pagesOf(api, `/v1/traces/${acme.requestId}`, key)
    expect(pages.length).toBeGreaterThan(5)
    // Positions are sealed, each time anew.
    const stepsOf = ({ body }: Answer) => body.steps.map((step: object) => ({ ...step, position: '' }))
    expect(stepsOf(pages.at(-1)!)).toStrictEqual(stepsOf(whole))
    Object.assign(api.auditLimits, { eventsMax: 100_000, traceEventsMax: 1 })
    const cut = await api.audit(`/v1/traces/${acme.requestId}`, { key })
    expect(cut.body).toMatchObject({ count: 1, is_cut: true })
  })
})

describe('every read', () => {
  it('is an event that stands in the log before the answer is given, chained like all others', async () => {
    const sealed = (await api.audit(`/v1/history/${SHARED}`, { key })).body.read_up_to
    const before = (await eventsOf(api.store, `audit.reading-${keyId}`)).length
    const requestId = randomUUID()
    const headers = { 'x-noctant-request-id': requestId }
    const paths = [
      `/v1/history/${SHARED}`,
      `/v1/traces/${acme.requestId}`,
      `/v1/states/${SHARED}?at=2030-01-01T00:00:00Z&diffFrom=${sealed}`,
      '/v1/verifications?category=noctant.account',
      '/v1/seals',
      '/v1/history/nothing-of-this-name',
    ]
    for (const path of paths) await api.audit(path, { key, headers })
    const written = (await eventsOf(api.store, `audit.reading-${keyId}`)).slice(before)
    expect(written.map(({ type }) => type.split('.')[1])).toStrictEqual([
      'HistoryRead',
      'TraceRead',
      'StateRead',
      'VerificationRead',
      'SealsRead',
      'HistoryRead',
    ])
    const [history, trace, state, verification] = written
    expect(history!.data).toMatchObject({
      keyId,
      auditor: 'Grace of the auditors',
      operatorId: acme.operatorId,
      thing: SHARED,
      clientAddress: '127.0.0.1',
      continued: false,
    })
    expect(BigInt(String(history!.data.upTo))).toBeLessThan(history!.position)
    expect(history!.data.eventsRead).toBeGreaterThan(0)
    expect(trace!.data).toMatchObject({ of: acme.requestId })
    expect(state!.data).toMatchObject({ at: '2030-01-01T00:00:00Z', diffFrom: expect.stringMatching(/^\d+$/) })
    expect(verification!.data).toMatchObject({ stream: null, category: 'noctant.account' })
    for (const { metadata } of written) {
      expect(metadata).toMatchObject({ actor: { kind: 'auditor', keyId }, requestId })
    }
    const raw = (await rawEvents(api)).filter(({ stream }) => stream === `audit.reading-${keyId}`)
    const links = raw.map(linkOf)
    for (const [index, link] of links.entries()) {
      expect(link).toMatchObject({ prevHash: index === 0 ? '' : (links[index - 1] as { hash: string }).hash })
    }
  })

  it('is of the auditor’s own history, and not of the thing’s', async () => {
    const before = await entriesOf(`/v1/history/${SHARED}`)
    for (let read = 0; read < 5; read++) await api.audit(`/v1/history/${SHARED}`, { key })
    expect((await entriesOf(`/v1/history/${SHARED}`)).length).toBe(before.length)
    const own = await entriesOf(`/v1/history/${keyId}`)
    expect(own[0]?.sentence).toBe(`The auditor key ${keyId} was made for Grace of the auditors.`)
    expect(own.filter(({ stream }) => stream === `audit.reading-${keyId}`).length).toBeGreaterThan(5)
    expect(own.map(({ sentence }) => sentence)).toContainEqual(
      expect.stringMatching(/^Grace of the auditors read the history of SHARED-1 up to position [\w-]{22}\.$/),
    )
  })

  it('does not come in each other’s way, on one process or on two', async () => {
    const stream = `audit.reading-${keyId}`
    Object.assign(api.auditLimits, { concurrencyMax: 40 })
    const before = (await eventsOf(api.store, stream)).length
    const asked = Array.from({ length: 24 }, (_, index) =>
      index % 2 ? api.audit('/v1/seals', { key }) : api.auditSecond('/v1/seals', { key }),
    )
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    const done = statuses.filter((status) => status === 200).length
    expect(statuses.filter((status) => ![200, 429, 503].includes(status))).toStrictEqual([])
    expect(done).toBeGreaterThan(0)
    expect((await eventsOf(api.store, stream)).length - before).toBe(done)
  })
})

describe('where too much is asked at once', () => {
  it('answers what it can, and the rest with 429 and Retry-After, without a record', async () => {
    const narrow = await startApi({ auditLimits: { concurrencyMax: 1 } })
    try {
      const auditor = await narrow.addAuditor(null)
      const answers = await Promise.all(Array.from({ length: 8 }, () => narrow.audit('/v1/seals', auditor)))
      const busy = answers.filter(({ status }) => status === 429)
      expect(busy.length).toBeGreaterThan(0)
      for (const { body, headers } of busy) {
        expect(body.code).toBe('audit_busy')
        expect(headers.get('retry-after')).toBe('1')
        expect(headers.get('content-type')).toBe('application/problem+json')
      }
      const written = await eventsOf(narrow.store, `audit.reading-${auditor.keyId}`)
      expect(written.length).toBe(answers.filter(({ status }) => status === 200).length)
      expect((await narrow.audit('/v1/seals', auditor)).status).toBe(200)
    } finally {
      await narrow.stop()
    }
  })

  it('gives an auditor of one operator nothing where it cannot be known whose the events are', async () => {
    const cut = await startApi({ limits: { readYourWritesWaitMs: 100 } })
    try {
      const of = await tenant(cut)
      const [one, all] = [await cut.addAuditor(of.operatorId), await cut.addAuditor(null)]
      cut.loseDatabase()
      const { status, body } = await cut.audit(`/v1/history/${SHARED}`, one)
      expect([status, body.code]).toStrictEqual([503, 'dependency_unavailable'])
      expect(JSON.stringify(body)).not.toContain(of.programAccountId)
      expect((await cut.audit(`/v1/history/${SHARED}`, all)).status).toBe(200)
    } finally {
      await cut.stop()
    }
  })

  it('gives nothing away where the read cannot be recorded', async () => {
    const cut = await startApi()
    try {
      const of = await tenant(cut)
      const auditor = await cut.addAuditor(null)
      expect((await cut.audit(`/v1/history/${SHARED}`, auditor)).status).toBe(200)
      cut.loseEventStore()
      const { status, body, headers } = await cut.audit(`/v1/history/${SHARED}`, auditor)
      expect([status, body.code]).toStrictEqual([503, 'dependency_unavailable'])
      expect(headers.get('retry-after')).toBeTruthy()
      expect(JSON.stringify(body)).not.toContain(of.programAccountId)
    } finally {
      await cut.stop()
    }
  })
})
