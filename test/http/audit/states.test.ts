import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { viewOf as accountView } from '../../../src/http/noctant/accounts/account-view.ts'
import { type Api, startApi } from '../api.ts'
import { pagesOf, SHARED, setStatus, type Tenant, tenant } from './ground.ts'

interface Seen {
  /** Position that the read models stood at. */
  position: string
  at: string
  account: unknown
}

let api: Api
let acme: Tenant
let key: string
/** What GETs returned in the course of a random run. */
const seen: Seen[] = []
beforeAll(async () => {
  api = await startApi()
  acme = await tenant(api)
  const other = await tenant(api)
  key = (await api.addAuditor(acme.operatorId)).key
  for (let step = 0; step < 20; step++) {
    const whose = randomInt(4) === 0 ? other : acme
    await setStatus(api, whose, ['active', 'disabled'][randomInt(2)]!)
    const answer = await api.call('GET', `/v1/accounts/by-external-id?external_account_id=${SHARED}`, { key: acme.key })
    const position = answer.headers.get('x-opslog-position')!
    seen.push({ position, at: new Date().toISOString(), account: answer.body.account })
    // The log's times are whole milliseconds; the next event is to stand in a later one.
    const now = Date.now()
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(now + 1), { interval: 1, timeout: 10_000 })
  }
}, 60_000)
afterAll(() => api.stop())

/** The account's own state, as the API showed it then. */
async function stateAt(moment: string): Promise<unknown> {
  const { status, body } = await api.audit(`/v1/states/${SHARED}?at=${moment}`, { key })
  expect(status).toBe(200)
  const own = body.streams.find(({ stream }: { stream: string }) => stream.startsWith('noctant.account-'))
  return accountView(own.state)
}

describe('GET /v1/states', () => {
  it('is what a GET returned at that position and at that time, throughout a random run', async () => {
    expect(new Set(seen.map(({ account }) => JSON.stringify(account))).size).toBeGreaterThan(2)
    for (const { position, at, account } of seen) {
      expect(await stateAt(position), `at ${position}`).toStrictEqual(account)
      expect(await stateAt(at), `at ${at}`).toStrictEqual(account)
    }
  })

  it('is the latest where no moment is named', async () => {
    const { body } = await api.audit(`/v1/states/${SHARED}`, { key })
    const own = body.streams.find(({ stream }: { stream: string }) => stream.startsWith('noctant.account-'))
    expect(accountView(own.state)).toStrictEqual(seen.at(-1)!.account)
    expect(body).toMatchObject({ thing: SHARED, at: null, differences: null, next_cursor: null })
  })

  it('names what is different from another moment', async () => {
    const statusOf = ({ account }: Seen) => (account as { sponsorship_status: string }).sponsorship_status
    const later = seen.findIndex((each, index) => index > 0 && statusOf(each) !== statusOf(seen[index - 1]!))
    const [before, after] = [seen[later - 1]!, seen[later]!]
    const path = `/v1/states/${SHARED}?at=${after.position}&diffFrom=${before.position}`
    const { body } = await api.audit(path, { key })
    expect(body.differences).toContainEqual({
      stream: `noctant.account-${acme.programAccountId}`,
      path: 'status',
      before: JSON.stringify(statusOf(before)),
      after: JSON.stringify(statusOf(after)),
    })
    const same = await api.audit(`/v1/states/${SHARED}?at=${after.position}&diffFrom=${after.position}`, { key })
    expect(same.body.differences).toStrictEqual([])
  })

  it('is the same however many requests it takes', async () => {
    const whole = await api.audit(`/v1/states/${SHARED}?at=${seen[9]!.position}`, { key })
    Object.assign(api.auditLimits, { eventsMax: 11 })
    try {
      const pages = await pagesOf(api, `/v1/states/${SHARED}?at=${seen[9]!.position}`, key)
      expect(pages.length).toBeGreaterThan(3)
      expect(pages.slice(0, -1).flatMap(({ body }) => body.streams)).toStrictEqual([])
      expect(pages.at(-1)!.body.streams).toStrictEqual(whole.body.streams)
    } finally {
      Object.assign(api.auditLimits, { eventsMax: 100_000 })
    }
  })

  it('was nothing before the thing was made, and cannot be told at what is no moment', async () => {
    expect((await api.audit(`/v1/states/${SHARED}?at=2001-01-01T00:00:00Z`, { key })).status).toBe(404)
    for (const moment of ['yesterday-ish', '-1', '1'.repeat(30), '']) {
      expect((await api.audit(`/v1/states/${SHARED}?at=${moment}`, { key })).status).toBe(400)
    }
  })

  it('is refused where it is made of more events than one request may read', async () => {
    Object.assign(api.auditLimits, { stateEventsMax: 3 })
    try {
      const { status, body } = await api.audit(`/v1/states/${SHARED}`, { key })
      expect([status, body.code]).toStrictEqual([400, 'audit_too_large'])
    } finally {
      Object.assign(api.auditLimits, { stateEventsMax: 100_000 })
    }
  })
})
