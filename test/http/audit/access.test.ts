import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scopeOf } from '../../../src/audit/scope.ts'
import { auditor } from '../../../src/commands/audit/auditor.ts'
import { generateAuditorKey } from '../../../src/commands/audit/auditor-key.ts'
import { documentsOf } from '../../../src/http/app.ts'
import { operations as auditOperations } from '../../../src/http/audit/operations.ts'
import { createOwnersOf } from '../../../src/projections/audit/ownership.ts'
import { eventually } from '../../projections/support.ts'
import { apis, contexts } from '../../support/contexts.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { ownership, rawEvents, SHARED, type Tenant, tenant } from './ground.ts'

let api: Api
let acme: Tenant
let other: Tenant
let forAcme: { key: string; keyId: string }
let forOther: { key: string; keyId: string }
let forAll: { key: string; keyId: string }
beforeAll(async () => {
  api = await startApi()
  acme = await tenant(api)
  other = await tenant(api)
  forAcme = await api.addAuditor(acme.operatorId)
  forOther = await api.addAuditor(other.operatorId)
  forAll = await api.addAuditor(null)
}, 60_000)
afterAll(() => api.stop())

const paths = () => [
  `/v1/history/${SHARED}`,
  `/v1/traces/${acme.requestId}`,
  `/v1/states/${SHARED}`,
  '/v1/verifications?all',
  '/v1/seals',
]

describe('the audit API', () => {
  it('is open to auditors’ keys alone, in each of its operations', async () => {
    expect(paths()).toHaveLength(auditOperations.length)
    for (const path of paths()) {
      const refused = async (key: string | undefined) => {
        const { status, body, headers } = await api.audit(path, { key })
        expect(headers.get('content-type')).toBe('application/problem+json')
        return [status, body.code]
      }
      expect(await refused(undefined)).toStrictEqual([401, 'credential_missing'])
      expect(await refused(generateAuditorKey().key)).toStrictEqual([401, 'credential_invalid'])
      expect(await refused(`${forAcme.key.slice(0, -1)}${forAcme.key.endsWith('a') ? 'b' : 'a'}`)).toStrictEqual([
        401,
        'credential_invalid',
      ])
      expect(await refused(acme.key)).toStrictEqual([403, 'credential_elsewhere'])
      expect((await api.audit(path, { key: forAcme.key })).status).toBe(200)
    }
  })

  it('leaves an auditor’s key nothing to do elsewhere', async () => {
    for (const path of ['/v1/me', '/v1/accounts', `/v1/users/${acme.userId}`]) {
      const { status, body } = await api.call('GET', path, { key: forAcme.key })
      expect([status, body.code]).toStrictEqual([403, 'credential_elsewhere'])
    }
    const created = await api.call('POST', '/v1/users', { key: forAll.key, body: { external_id: 'x' } })
    expect([created.status, created.body.code]).toStrictEqual([403, 'credential_elsewhere'])
  })

  it('closes to a revoked key within a second, on every process', async () => {
    const { key, keyId } = await api.addAuditor(null)
    expect((await api.audit('/v1/seals', { key })).status).toBe(200)
    const at = new Date().toISOString()
    await api.bus.handle(auditor, keyId, { kind: 'revoke', reason: 'over', at }, systemContext())
    await eventually(() => expect(api.auditors.find(keyId)?.revoked_at).not.toBeNull(), 1_000)
    expect((await api.audit('/v1/seals', { key })).status).toBe(401)
    expect((await api.auditSecond('/v1/seals', { key })).status).toBe(401)
    expect((await api.audit('/v1/seals', { key: forAll.key })).status).toBe(200)
  })

  it('is described operation by operation, each with its refusals as problem documents', () => {
    const { document } = documentsOf(apis).find(({ name }) => name === 'audit')!
    expect(Object.keys(document.paths ?? {})).toHaveLength(auditOperations.length)
    for (const { path, method, access, description } of auditOperations) {
      expect(access.alternatives).toStrictEqual([{ scheme: 'auditorBearerAuth', scopes: ['audit:read'] }])
      const { responses } = document.paths?.[path]?.[method] ?? {}
      expect(Object.keys(responses ?? {})).toStrictEqual(['200', '400', '401', '403', '404', '429', '503'])
      expect(description?.length).toBeGreaterThan(60)
    }
    expect(document.components?.securitySchemes).toMatchObject({ auditorBearerAuth: { scheme: 'bearer' } })
  })
})

describe('an auditor of one operator', () => {
  it('sees of every event in the log either that it is its operator’s, or nothing', async () => {
    const events = await rawEvents(api)
    await api.waiter.waitFor(events.at(-1)!.position, 5_000)
    const seenBy = async ({ operatorId }: Tenant) => {
      const scope = scopeOf(operatorId, ownership(createOwnersOf(api.db, contexts)))
      return new Set((await scope.admit(events)).map(({ id }) => id))
    }
    const [mine, theirs] = [await seenBy(acme), await seenBy(other)]
    expect([...mine].filter((id) => theirs.has(id))).toStrictEqual([])
    const nobodys = events.filter(({ id }) => !mine.has(id) && !theirs.has(id))
    // What is left is the house's own: keys to all, and what was read with them.
    expect([...new Set(nobodys.map(({ stream }) => stream.slice(0, stream.indexOf('-'))))].toSorted()).toStrictEqual([
      'audit.auditor',
      'audit.reading',
    ])
    const text = (of: Set<string>) =>
      events
        .filter(({ id }) => of.has(id))
        .map(({ data, metadata }) => `${Buffer.from(data)}${Buffer.from(metadata)}`)
        .join('')
    for (const id of [other.operatorId, other.userId, other.programAccountId, other.accountId, other.requestId]) {
      expect(text(mine)).not.toContain(id)
      expect(text(theirs)).toContain(id)
    }
  })

  it('finds under a name that two operators use its own operator’s thing alone', async () => {
    for (const [of, auditorKey, foreign] of [
      [acme, forAcme, other],
      [other, forOther, acme],
    ] as const) {
      const { body } = await api.audit(`/v1/history/${SHARED}`, { key: auditorKey.key })
      const text = JSON.stringify(body)
      expect(text).toContain(of.programAccountId)
      expect(body.events.length).toBeGreaterThan(4)
      for (const id of [foreign.operatorId, foreign.programAccountId, foreign.accountId, foreign.requestId]) {
        expect(text).not.toContain(id)
      }
      const state = await api.audit(`/v1/states/${SHARED}`, { key: auditorKey.key })
      expect(JSON.stringify(state.body)).not.toContain(foreign.programAccountId)
    }
    const both = await api.audit(`/v1/history/${SHARED}?limit=200`, { key: forAll.key })
    expect(JSON.stringify(both.body)).toContain(acme.programAccountId)
    expect(JSON.stringify(both.body)).toContain(other.programAccountId)
  })

  it('is answered about another’s things as about things that do not exist', async () => {
    const foreign = [
      `/v1/history/${other.programAccountId}`,
      `/v1/history/noctant.account-${other.programAccountId}`,
      `/v1/history/${other.userId}`,
      `/v1/history/${other.payoutRequestId}`,
      `/v1/history/${other.requestId}`,
      `/v1/history/${other.operatorId}`,
      `/v1/history/${forOther.keyId}`,
      `/v1/history/${forAll.keyId}`,
      `/v1/traces/${other.requestId}`,
      `/v1/states/${other.programAccountId}`,
      `/v1/states/${other.accountId}?at=2030-01-01T00:00:00Z&diffFrom=2020-01-01T00:00:00Z`,
      `/v1/verifications?stream=noctant.account-${other.programAccountId}`,
      `/v1/verifications?stream=audit.reading-${forOther.keyId}`,
      '/v1/verifications?stream=opslog.seal-log',
    ]
    for (const path of foreign) {
      const answer = await api.audit(path, { key: forAcme.key })
      const absent = await api.audit(`/v1/history/${randomUUID()}`, { key: forAcme.key })
      const family = ({ status, body }: typeof answer) => [status, { ...body, request_id: '' }]
      expect(family(answer), path).toStrictEqual(family(absent))
      expect(answer.status).toBe(404)
    }
    const { body } = await api.audit('/v1/verifications?all', { key: forAcme.key })
    const whole = await api.audit('/v1/verifications?all', { key: forAll.key })
    expect(body).toMatchObject({ ok: true, findings: [], seals: [] })
    expect(whole.body.ok).toBe(true)
    expect(body.events).toBeLessThan(whole.body.events / 1.5)
  })

  it('is shown no position in the log, which all share, and finds none out by trying', async () => {
    const ofReading = `audit.reading-${forAcme.keyId}`
    const { body: shown } = await api.audit(`/v1/history/${SHARED}`, { key: forAcme.key })
    // A position as it is shown is a moment; in clear it is none.
    const moments = `at=${shown.read_up_to}&diffFrom=${shown.events[0].position}`
    const asked = [
      `/v1/history/${SHARED}`,
      `/v1/traces/${acme.requestId}`,
      `/v1/states/${SHARED}?${moments}`,
      `/v1/states/${ofReading}?diffFrom=${shown.read_up_to}`,
      `/v1/history/${forAcme.keyId}`,
      '/v1/verifications?all',
    ]
    const texts: string[] = []
    for (const path of asked) {
      const { status, body } = await api.audit(path, { key: forAcme.key })
      expect(status, path).toBe(200)
      texts.push(JSON.stringify(body))
    }
    const positions = (await rawEvents(api)).map(({ position }) => `${position}`).filter(({ length }) => length > 3)
    expect(positions.length).toBeGreaterThan(20)
    const isShown = (text: string, position: string) =>
      new RegExp(`(?<![\\w.-])${position}(?![\\w-]|\\.\\d)`).test(text)
    expect(positions.filter((position) => texts.some((text) => isShown(text, position)))).toStrictEqual([])
    const { status, body } = await api.audit(`/v1/states/${SHARED}?at=${positions.at(-1)}`, { key: forAcme.key })
    expect([status, body.errors[0].code]).toStrictEqual([400, 'invalid_format'])
    const whole = await api.audit(`/v1/states/${SHARED}?at=${positions.at(-1)}`, { key: forAll.key })
    expect([whole.status, positions.includes(whole.body.read_up_to)]).toStrictEqual([200, true])
  })

  it('learns nothing from a cursor, be it made with another key or made up', async () => {
    for (const name of [other.programAccountId, SHARED]) {
      const given = await api.audit(`/v1/history/${name}?limit=1`, { key: forAll.key })
      expect(given.body.next_cursor).toBeTypeOf('string')
      const taken = await api.audit(`/v1/history/${name}?cursor=${given.body.next_cursor}`, { key: forAcme.key })
      expect([taken.status, taken.body.errors[0].code]).toStrictEqual([400, 'invalid_format'])
    }
    const forged = Buffer.from(JSON.stringify({ of: 'x', at: { until: '9', teachers: [], found: 0 } })).toString(
      'base64url',
    )
    for (const cursor of ['nonsense', forged, '%00', 'a'.repeat(12_001)]) {
      const { status } = await api.audit(`/v1/history/${SHARED}?cursor=${cursor}`, { key: forAcme.key })
      expect(status).toBe(400)
    }
  })
})
