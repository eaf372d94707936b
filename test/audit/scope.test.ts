/** What one operator's auditor makes us read: no more of another's stream than of one that is not there. */
import { expect, test } from 'vitest'
import { auditRulesOf } from '../../src/audit/declarations.ts'
import type { RawEvent } from '../../src/audit/raw-log.ts'
import { createKnownOwners, scopeOf } from '../../src/audit/scope.ts'

const eventIn = (stream: string) =>
  ({
    stream,
    type: 'sample.RoomOpened.v1',
    data: Buffer.from('{}'),
    metadata: Buffer.from('{}'),
  }) as never as RawEvent
const rules = auditRulesOf([{ name: 'sample', events: { tenant: 'tenantId', things: ['roomId'] }, aggregates: [] }])
const owners = new Map([
  ['mine-1', 'acme'],
  ['theirs-1', 'other'],
])

async function costOf(stream: string): Promise<{ may: boolean; reads: unknown[]; questions: unknown[] }> {
  const reads: unknown[] = []
  const questions: unknown[] = []
  const log = {
    async *readStream(name: string, from?: bigint, maxCount?: bigint) {
      reads.push([from, maxCount])
      if (owners.has(name.slice(name.indexOf('-') + 1))) yield eventIn(name)
    },
  }
  const scope = scopeOf('acme', {
    ...{ known: createKnownOwners(10), rules },
    async ownersOf(ids) {
      questions.push(ids.length)
      return new Map(ids.flatMap((id) => (owners.has(id) ? [[id, owners.get(id)!]] : [])))
    },
  })
  return { may: await scope.mayRead(stream, log), reads, questions }
}

test('another’s stream costs the same reads and questions as one that is not there, and is not read', async () => {
  const theirs = await costOf('sample.room-theirs-1')
  const absent = await costOf('sample.room-absent-1')
  expect(theirs).toEqual(absent)
  expect(theirs).toEqual({ may: false, reads: [[0n, 1n]], questions: [1] })
  expect((await costOf('sample.room-mine-1')).may).toBe(true)
})

test('only what was admitted is counted', async () => {
  const scope = scopeOf('acme', { ownersOf: async () => owners, known: createKnownOwners(10), rules })
  await scope.admit([eventIn('sample.room-mine-1'), eventIn('sample.room-theirs-1')])
  expect(scope.admitted()).toBe(1)
})

test('the members that name the tenant and its things are those that the event’s context declares', async () => {
  const rulesOfTwo = auditRulesOf([
    { name: 'sample', events: { tenant: 'tenantId', things: ['roomId'] }, aggregates: [] },
    { name: 'market', events: { tenant: 'sellerId', things: ['itemId'] }, aggregates: [] },
  ])
  const scope = scopeOf('acme', { ownersOf: async () => owners, known: createKnownOwners(10), rules: rulesOfTwo })
  const naming = (type: string, data: object) =>
    ({ ...eventIn(`${type}-1`), type, data: Buffer.from(JSON.stringify(data)) }) as RawEvent
  const [declared, undeclared] = [
    naming('market.Sold.v1', { sellerId: 'acme' }),
    naming('market.Sold.v1', { tenantId: 'acme' }),
  ]
  expect(await scope.admit([declared, undeclared])).toStrictEqual([declared])
  const [mine, theirs, unnamed] = [
    naming('market.Sent.v1', { itemId: 'mine-1' }),
    naming('market.Sent.v1', { itemId: 'theirs-1' }),
    naming('market.Sent.v1', { paletteId: 'mine-1' }),
  ]
  expect(await scope.admit([mine, theirs, unnamed])).toStrictEqual([mine])
})
