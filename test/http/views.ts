/** What a context hands over, so that test/suites/views.ts can hold its commands' answers against its reads. */
import type { Aggregate } from '../../src/commands/decider.ts'
import type { AnyEvent } from '../../src/events/event.ts'
import type { ReadModels } from '../../src/postgres/database.ts'
import type { ExampleType } from '../support/examples.ts'

interface View<State, Event extends AnyEvent> {
  /** Ids of the operations whose answers show it. */
  operations: readonly string[]
  /** Types of one stream's example events, in an order in which they can happen. */
  history: readonly ExampleType[]
  /** As the answer makes it, of the state after the last event, and of the events. */
  viewOf(state: State, events: readonly Event[]): unknown
  /** As a read makes it, of the row. */
  read(db: ReadModels): Promise<unknown>
}

export interface AnsweredView extends View<unknown, AnyEvent> {
  initialState: unknown
  evolve(state: unknown, event: AnyEvent): unknown
}

export interface ContextViews {
  views: readonly AnsweredView[]
  /** Id of a write without a view → why there is none to compare. */
  withoutView: Readonly<Record<string, string>>
}

export const answeredView = <State, Command, Event extends AnyEvent>(
  { initialState, evolve }: Aggregate<State, Command, Event>,
  view: View<State, Event>,
): AnsweredView => ({ ...view, initialState, evolve }) as unknown as AnsweredView
