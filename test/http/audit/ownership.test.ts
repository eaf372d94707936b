import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RawEvent } from '../../../src/audit/raw-log.ts'
import { scopeOf } from '../../../src/audit/scope.ts'
import { HEARTBEAT } from '../../../src/events/registry.ts'
import { createOwnersOf } from '../../../src/projections/audit/ownership.ts'
import { contexts, registry } from '../../support/contexts.ts'
import { example, exampleTypes, ids, streamOf, uuidOf } from '../../support/examples.ts'
import { type Api, startApi } from '../api.ts'
import { ownership, rawEvents } from './ground.ts'

let api: Api
let events: RawEvent[]
/** An event of every type that the loaded contexts have, as the house itself caused it, so that no actor says whose it is. */
beforeAll(async () => {
  api = await startApi()
  const tails = new Map<string, { revision: bigint; hash: string }>()
  for (const type of exampleTypes.filter((name) => name !== HEARTBEAT && name in registry.schemas)) {
    const event = example(type)
    const stream = streamOf(event)
    const tail = tails.get(stream)
    const actor = { kind: 'system' as const, id: 'test' }
    const cause = { $correlationId: type, $causationId: type, actor, commandId: type }
    const id = uuidOf(`example ${type}`)
    const written = await api.store.append(stream, tail?.revision, tail?.hash ?? '', [{ id, event, cause }])
    tails.set(stream, { revision: written.revision, hash: written.lastHash })
  }
  events = await rawEvents(api)
  const last = await api.rawLog.head(({ type }) => !type.startsWith('opslog.'))
  await api.waiter.waitFor(last!, 20_000)
}, 60_000)
afterAll(() => api.stop())

const scope = (operatorId: string) => scopeOf(operatorId, ownership(createOwnersOf(api.db, contexts)))
const typesSeenBy = async (operatorId: string) =>
  new Set((await scope(operatorId).admit(events)).map(({ type }) => type))

it('an auditor of the operator that everything is about sees every type of event but the house’s own', async () => {
  const seen = await typesSeenBy(ids.operator)
  const known = exampleTypes.filter((type) => type in registry.schemas && !type.startsWith('firsthand.'))
  expect(known.filter((type) => !seen.has(type)).toSorted()).toStrictEqual([
    // A feed belongs to nobody, nor does a preset, which this template is; a grant of the feed has an operator.
    'noctant.FeedImported.v1',
    'noctant.TemplateArchived.v1',
    'noctant.TemplateImported.v1',
    'opslog.HeartbeatRecorded.v1',
    'opslog.LogAdopted.v1',
    'opslog.LogIdentified.v1',
    'opslog.LogSealed.v1',
  ])
})

it('an event in a stream that nobody knows belongs to whose things it names, where that is one operator', async () => {
  const [known, stranger] = [events.find(({ type }) => type === 'noctant.EngineCommandPublished.v1')!, randomUUID()]
  const described = (stream: string, data: object): RawEvent => ({
    ...known,
    stream,
    data: Buffer.from(JSON.stringify(data)),
  })
  const published = described(`noctant.engineCommand-${stranger}`, { commandId: stranger, accountId: ids.account })
  const quarantined = described(`noctant.engineQuarantine-${stranger}`, { accountId: ids.account, reason: 'a gap' })
  const nobodys = described(`noctant.engineCommand-${stranger}`, { commandId: stranger, accountId: randomUUID() })
  const unreadable = { ...known, stream: `noctant.engineCommand-${stranger}`, data: Buffer.from('{') }
  const both = described(`noctant.engineCommand-${stranger}`, {
    accountId: ids.account,
    globalUserId: await userOfAnother(),
  })
  const all = [published, quarantined, nobodys, unreadable, both]
  expect(await scope(ids.operator).admit(all)).toStrictEqual([published, quarantined])
})

async function userOfAnother(): Promise<string> {
  const another = await api.addOperator()
  const { body: user } = await api.call('POST', '/v1/users', { key: another.key, body: { external_id: 'x' } })
  return user.global_user_id
}

it('an auditor of another operator sees none of it', async () => {
  expect(await typesSeenBy(randomUUID())).toStrictEqual(new Set())
})

it('what the read models do not know yet is seen where the event itself says whose it is, and by nobody else', async () => {
  const unknowing = scopeOf(
    ids.operator,
    ownership(async () => new Map()),
  )
  const seen = await unknowing.admit(events)
  expect(seen.length).toBeGreaterThan(20)
  for (const { data } of seen) expect(JSON.parse(Buffer.from(data).toString()).operatorId).toBe(ids.operator)
})
