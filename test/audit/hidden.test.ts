/** Events that stand in the log and that decisions do not see: the verification says so. */
import { EventStoreDBClient } from '@eventstore/db-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareStreamReads, createHiddenCheck } from '../../src/audit/hidden.ts'
import { openRawLog, type RawEvent } from '../../src/audit/raw-log.ts'
import { unlimited } from '../../src/audit/scan.ts'
import { everything } from '../../src/audit/scope.ts'
import { readVerification } from '../../src/audit/verification.ts'
import type { Finding } from '../../src/audit/verifier.ts'
import { sampleRules as auditRules, sampleRegistry as registry } from '../sample/context.ts'
import { roomChanged, roomOpened, roomStream } from '../sample/room.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { uuidOf } from '../support/examples.ts'

let store: TestStore
let client: EventStoreDBClient
const streamOf = (name: string) => roomStream(uuidOf(name))

async function write(stream: string): Promise<void> {
  const events = [roomOpened(), roomChanged('open', 'shut')]
  const batch = events.map((event, index) => {
    const commandId = uuidOf(`${stream} ${index}`)
    const actor = { kind: 'system' as const, id: 'test' }
    return { id: commandId, event, cause: { $correlationId: commandId, $causationId: commandId, actor, commandId } }
  })
  await store.store.append(stream, undefined, '', batch)
}

beforeAll(async () => {
  store = await startTestStore(registry)
  client = EventStoreDBClient.connectionString(store.url)
}, 60_000)
afterAll(async () => {
  await client.dispose()
  await store.close()
})

async function verified(): Promise<Finding[]> {
  const log = openRawLog(store.url, registry)
  const ground = { log, scope: everything, budget: unlimited(), rules: auditRules }
  const from = { after: undefined, revision: 0n, until: 2n ** 62n, tree: undefined }
  const { findings } = await readVerification(ground, { findingsMax: 100, keepsOn: true }, from)
  await log.close()
  return findings
}

test('metadata that shorten a stream, and deletes, are named with the stream; the heartbeats’ own are not', async () => {
  for (const name of ['whole', 'shortened', 'deleted', 'buried']) await write(streamOf(name))
  await store.store.beat(new Date().toISOString())
  expect(await verified()).toEqual([])
  await client.setStreamMetadata(streamOf('shortened'), { maxCount: 1 })
  await client.setStreamMetadata('shop-1', { maxCount: 1 })
  await client.deleteStream(streamOf('deleted'))
  await client.tombstoneStream(streamOf('buried'))
  const findings = await verified()
  expect(new Set(findings.map(({ kind }) => kind))).toEqual(new Set(['hidden']))
  const about = (name: string) => findings.filter(({ stream }) => stream === streamOf(name)).map(({ detail }) => detail)
  expect(about('whole')).toEqual([])
  expect(about('shortened')).toEqual([
    expect.stringContaining('$maxCount 1'),
    expect.stringContaining('sees it from revision 1 on'),
  ])
  expect(about('deleted')).toEqual([expect.stringContaining('was deleted'), expect.stringContaining('does not see it')])
  expect(about('buried')).toEqual([expect.stringContaining('for good'), expect.stringContaining('does not see it')])
  expect(findings).toHaveLength(6)
})

test('a stream whose read ends before its last event is named', async () => {
  const log = openRawLog(store.url, registry)
  const seen = { stream: streamOf('whole'), revision: 5n, position: 7n, type: 'sample.RoomStatusChanged.v1' }
  const findings: Finding[] = []
  await compareStreamReads(log, [seen], (finding) => findings.push(finding))
  await log.close()
  expect(findings).toMatchObject([{ kind: 'hidden', stream: seen.stream, revision: 5n }])
})

test('metadata of more streams than are remembered are one finding, which says so', () => {
  const findings: Finding[] = []
  const check = createHiddenCheck(auditRules, (finding) => findings.push(finding), 2)
  for (const [index, name] of ['one', 'two', 'three', 'four', 'one'].entries()) {
    const place = { position: BigInt(index), revision: BigInt(index), stream: `$$${streamOf(name)}` }
    check.add({ ...place, type: '$metadata', data: Buffer.from('{}') } as unknown as RawEvent)
  }
  check.finish()
  expect(findings).toMatchObject([{ kind: 'hidden', stream: streamOf('three'), position: 2n }])
  expect(findings[0]?.detail).toMatch(/^more than 2 streams have metadata/)
})
