/** What holds for the handlers of any projections: a batch of events ends the same wherever it is cut. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { AnyEvent, Recorded } from '../../src/events/event.ts'
import type { ReadModels } from '../../src/postgres/database.ts'
import { applyInMemory, flush, keyOf } from '../../src/projections/changes.ts'
import type { Change, Projection, Values } from '../../src/projections/projection.ts'
import { createRecorder } from '../support/examples.ts'
import { contentOf, empty } from './support.ts'

export const changesOf = (projections: readonly Projection[], events: readonly Recorded[]): Change[] =>
  events.flatMap((event) => projections.flatMap(({ handlers }) => handlers[event.type]?.(event) ?? []))

/** In Postgres at once, in pieces and one by one, and in memory. */
export async function endTheSameWhereverCut(
  db: ReadModels,
  projections: readonly Projection[],
  event: fc.Arbitrary<AnyEvent>,
  streamOf: (event: AnyEvent) => string,
): Promise<void> {
  async function endOf(...batches: (readonly Recorded[])[]) {
    await empty(db, projections)
    await db.transaction().execute(async (trx) => {
      for (const batch of batches) await flush(trx, changesOf(projections, batch))
    })
    return (await contentOf(db, projections)) as Record<string, Values[]>
  }
  const property = fc.asyncProperty(fc.array(fc.array(event, { maxLength: 12 }), { maxLength: 5 }), async (batches) => {
    const { record } = createRecorder()
    const recorded = batches.map((batch) => batch.map((each) => record(each, streamOf(each)) as Recorded))
    const whole = await endOf(recorded.flat())
    expect(await endOf(...recorded)).toEqual(whole)
    expect(await endOf(...recorded.flat().map((each) => [each]))).toEqual(whole)

    const tables = new Map(
      projections.flatMap((each) => each.tables.map((table) => [table, new Map<string, Values>()])),
    )
    for (const batch of recorded) applyInMemory(tables, changesOf(projections, batch))
    for (const [table, rows] of tables) {
      const stored = whole[table.name]!
      expect(stored).toHaveLength(rows.size)
      for (const row of stored) expect(row).toMatchObject(rows.get(keyOf(table, row))!)
    }
  })
  await fc.assert(property, { numRuns: 60 })
}
