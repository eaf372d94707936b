/**
 * What holds for every event of a context: an example of each decodes to itself, each handler applied twice ends as once,
 * and tables that are made anew from the events hold what the live ones hold.
 */
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { sentenceOf } from '../../src/audit/sentences.ts'
import type { Context } from '../../src/context.ts'
import type { AnyEvent, Recorded } from '../../src/events/event.ts'
import { createRegistry } from '../../src/events/registry.ts'
import { flush } from '../../src/projections/changes.ts'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'
import type { Projection } from '../../src/projections/projection.ts'
import { rebuild } from '../../src/projections/rebuild/rebuild.ts'
import { contentOf, createLog, empty, type Prepared, prepared, writerOn } from '../projections/support.ts'
import { createRecorder } from '../support/examples.ts'

export interface EventGround {
  context: Pick<Context, 'name' | 'events' | 'projections'>
  /** One of each type, in an order in which they can happen. */
  examples: readonly AnyEvent[]
  /** The stream that an event belongs to. */
  streamOf: (event: AnyEvent) => string
  /** Members that are ids elsewhere: they name nothing of ours. */
  foreignIds?: readonly string[]
  /** `<event type> <member>` of each member that is sealed with a person's key. */
  personal?: readonly string[]
}

export function runEventSuites({ context, examples, streamOf, foreignIds = [], personal = [] }: EventGround): void {
  const { name, projections } = context
  const registry = createRegistry([context])
  /** The examples in a log; without those of a type where one is named. */
  const recorded = (without?: string): Recorded[] => {
    const { record } = createRecorder()
    return examples.map((event) => record(event, streamOf(event))).filter(({ type }) => type !== without)
  }

  describe(`the events of ${name}`, () => {
    it('have an example each', () => {
      const types = Object.keys(context.events.schemas)
      expect(examples.map(({ type }) => type).toSorted()).toStrictEqual(types.toSorted())
    })

    it.each(examples.map(({ type, data }) => ({ type, data })))('$type decodes to itself', ({ type, data }) => {
      expect(registry.decode(type, data)).toEqual({ type, data })
    })

    it('name whom they forget, and things of tenants, by members that the context declares', () => {
      const { schemas, forgets = [], things = [], tenant = '' } = context.events
      expect(Object.keys(schemas).filter((type) => /Forgotten\.v\d+$/.test(type))).toStrictEqual(forgets)
      const members = new Set(Object.values(schemas).flatMap((schema) => Object.keys((schema as z.ZodObject).shape)))
      const ids = [...members].filter((name) => name.endsWith('Id') && name !== tenant)
      expect([...things, ...foreignIds].toSorted()).toStrictEqual(ids.toSorted())
    })

    it('have these personal members and no others, and say of each whose it is', () => {
      const { schemas, person = '' } = context.events
      const marked = Object.keys(schemas).filter((type) => registry.personalFieldsOf(type))
      const members = marked.flatMap((type) =>
        (registry.personalFieldsOf(type) ?? []).map((member) => `${type} ${member.name}`),
      )
      expect(members.toSorted()).toStrictEqual(personal)
      expect(marked.filter((type) => !(person in (schemas[type] as z.ZodObject).shape))).toStrictEqual([])
    })

    it('are told to auditors in sentences without a hole', () => {
      for (const event of examples) {
        const sentence = sentenceOf(event, registry.sentences)
        expect(sentence.length, event.type).toBeGreaterThan(10)
        expect(sentence, event.type).not.toMatch(/unknown|undefined|\{[\w.?]+\}|<\w+>/)
      }
    })
  })

  describe(`the read models of ${name}`, () => {
    let database: Prepared
    beforeAll(async () => {
      database = await prepared(projections, name)
    })
    afterAll(() => database.drop())
    beforeEach(() => empty(database.db, projections))

    /** The tables' rows of these projections after these batches, each in a transaction. */
    async function endOf(of: readonly Projection[], ...batches: (readonly Recorded[])[]): Promise<unknown> {
      await empty(database.db, of)
      for (const batch of batches) {
        const changes = batch.flatMap((event) => of.flatMap(({ handlers }) => handlers[event.type]?.(event) ?? []))
        await database.db.transaction().execute((trx) => flush(trx, changes))
      }
      return contentOf(database.db, of)
    }

    const handled = projections.flatMap((projection) =>
      Object.keys(projection.handlers).map((type) => ({ name: projection.name, type, of: [projection] })),
    )

    it.each(handled)('$name ends the same when $type is applied twice', async ({ type, of }) => {
      const before = recorded(type)
      const event = recorded().find((each) => each.type === type)
      if (!event) throw new Error(`there is no example of ${type}`)
      const once = await endOf(of, before, [event])
      expect(await endOf(of, before, [event], [event])).toEqual(once)
      expect(await endOf(of, before, [event, event])).toEqual(once)
    })

    it('a whole history ends the same applied once, event by event twice, and from the start again', async () => {
      const events = recorded()
      const once = await endOf(projections, ...events.map((event) => [event]))
      expect(await endOf(projections, ...events.flatMap((event) => [[event], [event]]))).toEqual(once)
      expect(await endOf(projections, events)).toEqual(once)
    })

    it('every handler answers an event with changes of its own projection’s tables alone', () => {
      for (const { tables, handlers } of projections) {
        for (const event of recorded()) {
          for (const { table } of handlers[event.type]?.(event) ?? []) expect(tables).toContain(table)
        }
      }
    })

    it('end with what the live tables hold when every one is rebuilt', async () => {
      const checkpoint = projectionsCheckpoint(name)
      const log = createLog(recorded())
      await writerOn(database.db, { projections, checkpoint }).write(log.events)
      const live = await contentOf(database.db, projections)
      await rebuild({
        db: database.db,
        projections: projections.map((each) => ({ ...each, version: each.version + 1 })),
        checkpoint,
        readHistory: log.readHistory,
        signal: new AbortController().signal,
        transactionAttemptsMax: 5,
        exclusively: (work) => work(),
        onSwapped: () => undefined,
      })
      expect(await contentOf(database.db, projections)).toEqual(live)
      const { rows } = await sql<{ version: number }>`SELECT version FROM opslog_projections`.execute(database.db)
      expect(rows.map(({ version }) => version).toSorted()).toEqual(
        projections.map(({ version }) => version + 1).toSorted(),
      )
    })
  })
}
