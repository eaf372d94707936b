import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMerkleTree, leafOf } from '../../../src/audit/merkle.ts'
import { isSealed, makeSeal } from '../../../src/audit/seal.ts'
import { SEAL_STREAM, type Seal } from '../../../src/events/seal.ts'
import { type Api, startApi } from '../api.ts'
import { pagesOf, rawEvents, SHARED, setStatus, type Tenant, tenant } from './ground.ts'

let api: Api
let acme: Tenant
let other: Tenant
let forAcme: { key: string }
let forOther: { key: string }
let forAll: { key: string }
beforeAll(async () => {
  api = await startApi()
  acme = await tenant(api)
  other = await tenant(api)
  forAcme = await api.addAuditor(acme.operatorId)
  forOther = await api.addAuditor(other.operatorId)
  forAll = await api.addAuditor(null)
  await seal()
  // Streams go on behind the seal.
  for (const status of ['active', 'disabled']) await setStatus(api, acme, status)
}, 60_000)
afterAll(() => api.stop())
beforeEach(() => Object.assign(api.auditLimits, { eventsMax: 100_000, findingsMax: 1_000 }))

async function appendSeal(data: Seal): Promise<void> {
  const last = await api.store.readLast(SEAL_STREAM)
  const id = randomUUID()
  const cause = { $correlationId: id, $causationId: id, actor: { kind: 'admin' as const, id: 'test' }, commandId: id }
  const event = { type: 'opslog.LogSealed.v1', data: { ...data } }
  await api.store.append(SEAL_STREAM, last?.revision, last?.metadata.hash ?? '', [{ id, event, cause }])
}

async function seal(): Promise<Seal> {
  const events = await rawEvents(api)
  const tree = createMerkleTree()
  for (const event of events.filter(isSealed)) tree.add(leafOf(event))
  const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const facts = { position: events.at(-1)!.position, events: tree.count(), root: tree.root() }
  const made = makeSeal(facts, key, new Date().toISOString())
  api.sealKeys.push(made.publicKey)
  await appendSeal(made)
  return made
}

const stream = () => `noctant.account-${acme.programAccountId}`
const partsOf = (pages: { body: { findings: unknown[]; events: number; seals: object[] } }[]) => ({
  findings: pages.flatMap(({ body }) => body.findings),
  events: pages.reduce((sum, { body }) => sum + body.events, 0),
  seals: pages.flatMap(({ body }) => body.seals),
})

describe('GET /v1/verifications', () => {
  it('finds nothing in an untouched log, whole or in pages, and that its seals hold', async () => {
    const { body } = await api.audit('/v1/verifications?all', forAll)
    expect(body).toMatchObject({ ok: true, findings: [], findings_total: 0, streams_cut_short: 0, next_cursor: null })
    expect(body.seals).toMatchObject([{ holds: true, fault: null }])
    Object.assign(api.auditLimits, { eventsMax: 13 })
    const pages = await pagesOf(api, '/v1/verifications?all', forAll.key)
    expect(pages.length).toBeGreaterThan(4)
    const paged = partsOf(pages)
    expect(paged).toMatchObject({ findings: [], seals: body.seals })
    // Each question is itself an event that the next one verifies.
    expect(paged.events).toBe(body.events + 1)
  })

  it('takes one of stream, category and all', async () => {
    const one = await api.audit(`/v1/verifications?stream=${stream()}`, forAcme)
    expect(one.body).toMatchObject({ ok: true, streams: 1 })
    const category = await api.audit('/v1/verifications?category=noctant.account', forAcme)
    expect(category.body.streams).toBe(2)
    for (const query of ['', '?all&category=noctant.account', `?stream=${stream()}&all=true`, '?all=false']) {
      expect((await api.audit(`/v1/verifications${query}`, forAcme)).status).toBe(400)
    }
    expect((await api.audit('/v1/verifications?category=nothing.here', forAcme)).status).toBe(404)
  })

  it('goes through one stream in pages too', async () => {
    Object.assign(api.auditLimits, { eventsMax: 2 })
    const pages = await pagesOf(api, `/v1/verifications?stream=${stream()}`, forAcme.key)
    expect(pages.length).toBeGreaterThan(2)
    expect(partsOf(pages).findings).toStrictEqual([])
  })
})

describe('GET /v1/seals', () => {
  it('shows them to a key for all, and says whether each was signed by the key that it names', async () => {
    const { body } = await api.audit('/v1/seals', forAll)
    expect(body).toMatchObject({ count: 1, seals: [{ is_genuine: true }] })
    expect((await api.audit('/v1/seals', forAcme)).body).toStrictEqual({ seals: [], count: 0 })
  })
})

describe('a log that was tampered with', () => {
  let revision: bigint

  beforeAll(async () => {
    const last = await api.store.readLast(stream())
    revision = last!.revision + 1n
    const client = EventStoreDBClient.connectionString(api.eventStoreUrl)
    const { type, data, metadata } = last!
    // The last event once more, with its chain: as somebody writes it who only knows how to copy.
    await client.appendToStream(stream(), jsonEvent({ type, data: data as never, metadata: { ...metadata } }), {
      expectedRevision: last!.revision,
    })
    await client.dispose()
    await appendSeal({ ...(await seal()), root: 'ab'.repeat(32) })
  })

  it.each([
    ['at once', 100_000],
    ['in pages', 13],
  ])('is found %s, by stream and revision, by those who may see it', async (_, eventsMax) => {
    Object.assign(api.auditLimits, { eventsMax })
    const found = partsOf(await pagesOf(api, '/v1/verifications?all', forAcme.key))
    const places = { stream: stream(), revision: `${revision}` }
    expect(found.findings).toContainEqual(expect.objectContaining({ kind: 'chain', ...places }))
    expect(found.findings).toContainEqual(expect.objectContaining({ kind: 'place', ...places }))
    expect(found.findings.every((finding) => (finding as { stream: string }).stream === stream())).toBe(true)
    expect(partsOf(await pagesOf(api, '/v1/verifications?all', forOther.key)).findings).toStrictEqual([])
    const whole = partsOf(await pagesOf(api, '/v1/verifications?all', forAll.key))
    expect(whole.findings).toContainEqual(expect.objectContaining({ kind: 'chain', ...places }))
    expect(whole.findings).toContainEqual(expect.objectContaining({ kind: 'seal', revision: null }))
    expect(whole.seals.map((each) => (each as { holds: boolean }).holds)).toStrictEqual([true, true, false])
  })

  it('is told of in answers of bounded length', async () => {
    Object.assign(api.auditLimits, { findingsMax: 1 })
    const pages = await pagesOf(api, `/v1/verifications?stream=${stream()}`, forAcme.key)
    expect(pages[0]!.body.findings).toHaveLength(1)
    expect(pages[0]!.body.findings_total).toBeGreaterThanOrEqual(1)
  })

  it('goes on to be told in its history', async () => {
    const pages = await pagesOf(api, `/v1/history/${SHARED}`, forAcme.key)
    const events = pages.flatMap(({ body }) => body.events)
    expect(events.map(({ revision: of, stream: in_ }) => `${in_} ${of}`)).toContain(`${stream()} ${revision}`)
  })
})
