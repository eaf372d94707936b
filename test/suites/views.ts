/**
 * The answer of a command shows what a later read shows. The answer is built from the aggregate's state, the read from
 * the row that the projections' handlers make: after each event of a stream's history both must be the same.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Context } from '../../src/context.ts'
import type { AnyEvent, Recorded } from '../../src/events/event.ts'
import { jsonText } from '../../src/http/json.ts'
import { flush } from '../../src/projections/changes.ts'
import type { ContextViews } from '../http/views.ts'
import { empty, type Prepared, prepared } from '../projections/support.ts'
import { createRecorder, type ExampleEvent, example } from '../support/examples.ts'

const plain = (view: unknown): unknown => JSON.parse(jsonText(view))

export function runViewSuite({ name, projections, api }: Context, { views, withoutView }: ContextViews): void {
  describe(`the answers of ${name}`, () => {
    let database: Prepared
    beforeAll(async () => {
      database = await prepared(projections, name)
    })
    afterAll(() => database.drop())
    beforeEach(() => empty(database.db, projections))

    it('with a view are all listed', async () => {
      const { operations } = await api()
      const writes = operations.filter(({ method }) => method !== 'get').map(({ id }) => id)
      const listed = [...views.flatMap(({ operations }) => operations), ...Object.keys(withoutView)]
      // A contract may name two operations alike.
      expect(listed.sort()).toStrictEqual([...new Set(writes)].sort())
    })

    it.each(views)('to $operations show what a read shows, after each event', async (view) => {
      const { record } = createRecorder()
      const events: Recorded[] = view.history.map((type) => record(example(type) as ExampleEvent) as Recorded)
      let { initialState: state } = view
      for (const [index, event] of events.entries()) {
        const changes = projections.flatMap(({ handlers }) => handlers[event.type]?.(event) ?? [])
        await flush(database.db, changes)
        state = view.evolve(state, event as AnyEvent)
        const answered = view.viewOf(state, events.slice(0, index + 1))
        expect(plain(answered), `after ${event.type}`).toStrictEqual(plain(await view.read(database.db)))
      }
      expect(events.length).toBeGreaterThan(0)
    })
  })
}
