/**
 * One byte of one field of one stored event, changed in a copy of what the store has: every field, many bytes. What is
 * found by the chain and by what it binds, what by the times alone, and what only a seal can know.
 */
import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createComparison } from '../../src/audit/comparison.ts'
import { exportLine, parseExportLine } from '../../src/audit/export.ts'
import { createMerkleTree, leafOf } from '../../src/audit/merkle.ts'
import { openRawLog, type RawEvent } from '../../src/audit/raw-log.ts'
import { createSealChecker, makeSeal } from '../../src/audit/seal.ts'
import { defaultTimeTolerances } from '../../src/audit/times.ts'
import { createVerifier, type Finding } from '../../src/audit/verifier.ts'
import type { AnyEvent } from '../../src/events/event.ts'
import type { Seal } from '../../src/events/seal.ts'
import { sampleRules as auditRules, sampleRegistry as registry } from '../sample/context.ts'
import { roomChanged, roomOpened, roomStream } from '../sample/room.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { uuidOf } from '../support/examples.ts'

let store: TestStore
let events: RawEvent[]
let seal: Seal
const RUNS = 150
const now = () => new Date().toISOString()

async function write(name: string, told: readonly AnyEvent[]): Promise<void> {
  const batch = told.map(({ type, data }, index) => {
    const commandId = uuidOf(`command ${name} ${index}`)
    const actor = { kind: 'operator' as const, id: 'acme' }
    const cause = { $correlationId: commandId, $causationId: commandId, actor, commandId }
    return { id: uuidOf(`${name} ${index}`), event: { type, data: { ...data, occurredAt: now() } }, cause }
  })
  await store.store.append(name, undefined, '', batch)
}

beforeAll(async () => {
  store = await startTestStore(registry)
  for (let stream = 0; stream < 8; stream++) {
    const id = uuidOf(`stream ${stream}`)
    await write(roomStream(id), [roomOpened(), roomChanged('open', 'shut')])
    // A stream of one event: nothing behind it that would show a gap.
    await write(roomStream(uuidOf(`lonely ${id}`)), [roomOpened({ name: 'Alone' })])
  }
  const log = openRawLog(store.url, registry)
  events = await Array.fromAsync(log.readAll())
  await log.close()
  const tree = createMerkleTree()
  for (const event of events) tree.add(leafOf(event))
  const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  seal = makeSeal({ position: events.at(-1)!.position, events: tree.count(), root: tree.root() }, key, now())
}, 60_000)
afterAll(() => store.close())

/** What `audit verify` says of a log like this. */
async function findingsIn(log: readonly RawEvent[]): Promise<Finding[]> {
  const findings: Finding[] = []
  const verifier = createVerifier({
    registry,
    rules: auditRules,
    onFinding: (finding) => findings.push(finding),
    streamsMax: 100,
    readStream: async function* (stream, from = 0n) {
      for (const event of log) if (event.stream === stream && event.revision >= from) yield event
    },
  })
  for (const event of log) await verifier.check(event)
  return findings
}

async function* linesOf<T>(lines: readonly T[]): AsyncIterable<T> {
  yield* lines
}

function sealHolds(log: readonly RawEvent[]): boolean {
  const checker = createSealChecker([seal], [seal.publicKey])
  for (const event of log) checker.add(event)
  return checker.finish()[0]!.fault === undefined
}

/** The log with another value in one field of one event. */
const changed = (index: number, change: Partial<RawEvent>): RawEvent[] =>
  events.map((event, at) => (at === index ? { ...event, ...change } : event))

const flipped = (bytes: Uint8Array, at: number, bit: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at % copy.length]! ^= 1 << bit
  return copy
}

/** A change of one byte, by field. Texts stay texts, so that they stay apart from each other. */
const fields: Record<string, (event: RawEvent, at: number, bit: number) => Partial<RawEvent>> = {
  id: ({ id }, at, bit) => ({ id: hexFlipped(id, at, bit) }),
  stream: ({ stream }, at, bit) => ({ stream: flipped(Buffer.from(stream), at, bit % 7).toString('latin1') }),
  revision: ({ revision }, _, bit) => ({ revision: revision ^ (1n << BigInt(bit)) }),
  type: ({ type }, at, bit) => ({ type: flipped(Buffer.from(type), at, bit % 7).toString('latin1') }),
  data: ({ data }, at, bit) => ({ data: flipped(data, at, bit) }),
  metadata: ({ metadata }, at, bit) => ({ metadata: flipped(metadata, at, bit) }),
}

/** Another digit in the place of one of a UUID's. */
function hexFlipped(id: string, at: number, bit: number): string {
  const digits = [...id].flatMap((digit, index) => (digit === '-' ? [] : [index]))
  const index = digits[at % digits.length]!
  const digit = (Number.parseInt(id[index]!, 16) ^ (1 << (bit % 4))).toString(16)
  return id.slice(0, index) + digit + id.slice(index + 1)
}

const anywhere = fc.record({ which: fc.nat(23), at: fc.nat(5_000), bit: fc.integer({ min: 0, max: 7 }) })

describe('one changed byte', () => {
  test('is not found where there is none', async () => {
    expect(events).toHaveLength(24)
    expect(await findingsIn(events)).toEqual([])
    expect(sealHolds(events)).toBe(true)
  })

  test.each(Object.keys(fields))(
    'of the %s is found without a seal, with its stream and revision',
    async (field) => {
      const property = fc.asyncProperty(anywhere, async ({ which, at, bit }) => {
        const change = fields[field]!(events[which]!, at, bit)
        const log = changed(which, change)
        const { stream, revision } = log[which]!
        const places = (await findingsIn(log)).map((finding) => `${finding.stream} ${finding.revision}`)
        expect(places, `${field} of ${which}, ${at}, ${bit}`).toContain(`${stream} ${revision}`)
        expect(sealHolds(log)).toBe(false)
      })
      await fc.assert(property, { numRuns: RUNS })
    },
    60_000,
  )

  test('of the time of recording is found beyond what clocks may be apart, and by a seal to the tick', async () => {
    const tickMs = 10_000n
    const property = fc.asyncProperty(anywhere, fc.integer({ min: 1, max: 9 }), async ({ which, at }, by) => {
      const event = events[which]!
      const { created, stream, revision } = event
      const index = at % created.length
      const digit = (Number(created[index]) + by) % 10
      const other = created.slice(0, index) + digit + created.slice(index + 1)
      const log = changed(which, { created: other })
      expect(sealHolds(log)).toBe(false)
      const movedMs = Number((BigInt(other) - BigInt(created)) / tickMs)
      // Between its neighbours and its own time of occurrence, with a clock's tolerance on either side.
      const { clockSkewMaxMs } = defaultTimeTolerances
      if (Math.abs(movedMs) <= clockSkewMaxMs + 10_000) return
      const places = (await findingsIn(log)).map((finding) => `${finding.kind} ${finding.stream} ${finding.revision}`)
      expect(places, `moved by ${movedMs} ms`).toContain(`time ${stream} ${revision}`)
    })
    await fc.assert(property, { numRuns: RUNS })
  }, 60_000)

  test('of any field is named by an export that was kept elsewhere, to the tick, and so is a missing event', async () => {
    const exported = events.map((event) => parseExportLine(exportLine(event)))
    const compared = async (log: readonly RawEvent[]) => {
      const findings: Finding[] = []
      const comparison = createComparison(linesOf(exported), (finding) => findings.push(finding))
      for (const event of log) await comparison.add(event)
      return { findings, count: await comparison.finish() }
    }
    expect(await compared(events)).toEqual({ findings: [], count: 24 })
    const all: typeof fields = {
      ...fields,
      created: ({ created }: RawEvent) => ({ created: `${BigInt(created) + 1n}` }),
    }
    for (const [field, change] of Object.entries(all)) {
      for (const which of [0, 11, 23]) {
        const log = changed(which, change(events[which]!, 3, 1))
        const { stream, revision } = log[which]!
        const { findings } = await compared(log)
        expect(findings, field).toMatchObject([{ kind: 'export', stream, revision }])
      }
    }
    const { stream, revision } = events[11]!
    const { findings, count } = await compared(events.filter((_, index) => index !== 11))
    expect(count).toBe(23)
    expect(findings).toMatchObject([{ kind: 'export', stream, revision, detail: expect.stringContaining('not stand') }])
    expect((await compared(events.slice(0, -2))).findings).toHaveLength(2)
  })

  test('of an export’s line is found, whether or not the log was altered alike', async () => {
    const compared = async (log: readonly RawEvent[], text: (line: string) => string) => {
      const findings: Finding[] = []
      const lines = events.map((event) => parseExportLine(text(exportLine(event))))
      const comparison = createComparison(linesOf(lines), (finding) => findings.push(finding))
      for (const event of log) await comparison.add(event)
      await comparison.finish()
      return findings
    }
    const { stream, revision, data } = events[3]!
    const amount = (text: string) => text.replace('100000.00', '900000.00')
    expect(amount(Buffer.from(data).toString())).not.toBe(Buffer.from(data).toString())
    const inItsLine = (line: string) => (JSON.parse(line).stream === stream ? amount(line) : line)
    const found = [{ kind: 'export', stream, revision }]
    expect(await compared(events, inItsLine)).toMatchObject(found)
    const log = changed(3, { data: Buffer.from(amount(Buffer.from(data).toString())) })
    expect(await compared(log, inItsLine)).toMatchObject(found)
    // A leaf of null is what heartbeats have: it does not take another event out of the comparison.
    expect(await compared(log, (line) => line.replace(/"leaf":"[^"]*"/, '"leaf":null'))).toHaveLength(events.length)
  })

  test('of the time of recording in the midst of the log is found from the tolerance of a clock’s step on', async () => {
    const { clockStepMaxMs } = defaultTimeTolerances
    const spreadMs = Number((BigInt(events.at(-1)!.created) - BigInt(events[0]!.created)) / 10_000n)
    for (const sign of [1n, -1n]) {
      const moved = BigInt(events[10]!.created) + sign * BigInt(clockStepMaxMs + spreadMs + 50) * 10_000n
      const findings = await findingsIn(changed(10, { created: `${moved}` }))
      const { stream, revision } = events[10]!
      expect(findings.map(({ kind }) => kind)).toEqual(['time'])
      expect(findings[0]).toMatchObject({ stream, revision })
    }
  })
})
