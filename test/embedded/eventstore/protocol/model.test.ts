/**
 * Random sequences of appends, repetitions, deletes, tombstones and metadata, against the store as plain arrays. After
 * each sequence every stream is read in both directions, and a subscription to $all must have seen everything once.
 */
import { BACKWARDS, END, type EventStoreDBClient, eventTypeFilter, jsonEvent, START } from '@eventstore/db-client'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Expected, Model, type Outcome } from '../support/model.ts'
import { collect, startServer, type TestServer, take } from '../support/node.ts'

const RUNS = Number(process.env.EVENTSTORE_MODEL_RUNS ?? 60)

let server: TestServer
beforeAll(async () => {
  server = await startServer({ indexLagEvents: 16 })
})
afterAll(() => server.close())

type Step =
  | {
      kind: 'append'
      stream: number
      expected: 'any' | 'no_stream' | 'stream_exists' | 'last' | 'stale' | 'ahead'
      count: number
    }
  | { kind: 'repeat'; which: number }
  | { kind: 'delete' | 'tombstone'; stream: number; expected: 'any' | 'no_stream' | 'last' | 'stale' }
  | { kind: 'metadata'; stream: number; maxCount: number | undefined; truncateBefore: number | undefined }
  | { kind: 'read'; stream: number; from: number; count: number; backwards: boolean }

const stream = fc.nat({ max: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      stream,
      expected: fc.constantFrom('any', 'no_stream', 'stream_exists', 'last', 'last', 'stale', 'ahead'),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('repeat' as const), which: fc.nat({ max: 40 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      stream,
      expected: fc.constantFrom('any', 'no_stream', 'last', 'stale'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('tombstone' as const),
      stream,
      expected: fc.constantFrom('any', 'last', 'stale'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('metadata' as const),
      stream,
      maxCount: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      truncateBefore: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      stream,
      from: fc.nat({ max: 15 }),
      count: fc.integer({ min: 1, max: 6 }),
      backwards: fc.boolean(),
    }),
  },
)

async function outcomeOf(attempt: Promise<{ nextExpectedRevision?: bigint }>): Promise<Outcome> {
  try {
    return { kind: 'ok', revision: Number((await attempt).nextExpectedRevision ?? -1n) }
  } catch (error) {
    const { type } = error as { type: string }
    if (type === 'wrong-expected-version') return { kind: 'wrong' }
    if (type === 'stream-deleted') return { kind: 'deleted' }
    throw error
  }
}

async function readOutcome(
  client: EventStoreDBClient,
  name: string,
  options: object,
): Promise<ReturnType<Model['visible']>> {
  try {
    const events = await collect(client.readStream(name, options))
    return events.map(({ event }) => ({ revision: Number(event!.revision), id: event!.id }))
  } catch (error) {
    const { type } = error as { type: string }
    if (type === 'stream-not-found') return 'missing'
    if (type === 'stream-deleted') return 'deleted'
    throw error
  }
}

/** One sequence against the server and the model at once. */
class Run {
  readonly tag = crypto.randomUUID()
  readonly type = `test.Model-${this.tag}`
  private readonly model = new Model()
  private readonly sent: Array<{ name: string; expected: Expected; ids: string[] }> = []

  nameOf(index: number): string {
    return `model${index}-${this.tag}`
  }

  private resolve(name: string, expected: string): Expected {
    const last = BigInt(this.model.lastRevision(name))
    if (expected === 'last') return last < 0n ? 'no_stream' : last
    if (expected === 'stale') return last < 1n ? 'no_stream' : last - 1n
    return expected === 'ahead' ? last + 2n : (expected as Expected)
  }

  private async append(name: string, expected: Expected, ids: string[]): Promise<void> {
    const events = ids.map((id) => jsonEvent({ id, type: this.type, data: { id } }))
    const outcome = await outcomeOf(
      server.client.appendToStream(name, events, { expectedRevision: expected as bigint }),
    )
    expect(outcome).toEqual(this.model.append(name, expected, ids))
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'repeat') {
      const again = this.sent[step.which % Math.max(1, this.sent.length)]
      if (again) await this.append(again.name, again.expected, again.ids)
      return
    }
    const name = this.nameOf(step.stream)
    if (step.kind === 'append') {
      const expected = this.resolve(name, step.expected)
      const ids = Array.from({ length: step.count }, () => crypto.randomUUID())
      this.sent.push({ name, expected, ids })
      await this.append(name, expected, ids)
    } else if (step.kind === 'metadata') {
      const metadata = {
        ...(step.maxCount === undefined ? {} : { maxCount: step.maxCount }),
        ...(step.truncateBefore === undefined ? {} : { truncateBefore: step.truncateBefore }),
      }
      const outcome = await outcomeOf(server.client.setStreamMetadata(name, metadata))
      expect(outcome.kind).toBe(this.model.setMetadata(name, metadata).kind)
    } else if (step.kind === 'read') await this.read(name, step)
    else {
      const expected = this.resolve(name, step.expected)
      const options = { expectedRevision: expected as bigint }
      const remove =
        step.kind === 'delete'
          ? server.client.deleteStream(name, options)
          : server.client.tombstoneStream(name, options)
      const outcome = await outcomeOf(remove.then(() => ({})))
      expect(outcome).toEqual(
        step.kind === 'delete' ? this.model.delete(name, expected) : this.model.tombstone(name, expected),
      )
    }
  }

  private async read(
    name: string,
    { from, count, backwards }: { from: number; count: number; backwards: boolean },
  ): Promise<void> {
    const visible = this.model.visible(name)
    const options = { fromRevision: BigInt(from), maxCount: count, ...(backwards ? { direction: BACKWARDS } : {}) }
    const read = await readOutcome(server.client, name, options)
    if (typeof visible === 'string') return expect(read).toBe(visible)
    const chosen = backwards
      ? visible.filter(({ revision }) => revision <= from).toReversed()
      : visible.filter(({ revision }) => revision >= from)
    expect(read).toEqual(chosen.slice(0, count))
  }

  async verify(): Promise<void> {
    for (const index of [0, 1, 2, 3]) {
      const name = this.nameOf(index)
      const visible = this.model.visible(name)
      expect(await readOutcome(server.client, name, {})).toEqual(visible)
      const reversed = typeof visible === 'string' ? visible : visible.toReversed()
      expect(await readOutcome(server.client, name, { direction: BACKWARDS, fromRevision: END })).toEqual(reversed)
    }
    const filter = eventTypeFilter({ prefixes: [this.type] })
    const subscription = server.client.subscribeToAll({ fromPosition: START, filter })
    const seen = await take(subscription, this.model.all.length)
    await subscription.unsubscribe()
    expect(seen.map(({ event }) => `${event!.streamId}/${event!.id}`)).toEqual(this.model.all)
  }
}

test(
  'the node answers as the model does',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const run = new Run()
        for (const each of steps) await run.take(each)
        await run.verify()
      }),
      { numRuns: RUNS },
    )
  },
  30_000 + RUNS * 1_000,
)
