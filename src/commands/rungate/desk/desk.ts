/**
 * An agent's desk: the one place where its calls are admitted and settled, so that runs, rates and budgets hold over all
 * processes. It is decided on in groups (commands/desk.ts).
 */
import type { DeskBookEvent, DeskEvent } from '../../../events/rungate/desk.ts'
import type { DeskDecider } from '../../desk-interface.ts'
import { type AdmitRules, admit } from './admit.ts'
import { bookOf } from './book.ts'
import type { DeskCommand, DeskResult } from './commands.ts'
import { decidingOn } from './emitting.ts'
import { applyDeskEvent } from './fold.ts'
import {
  annotate,
  complete,
  completeAll,
  expireOf,
  lift,
  noteApproval,
  noteBlocked,
  stop,
  sweep,
} from './run-commands.ts'
import { logTool, settle } from './settle.ts'
import { cloneDesk, type DeskState, newDesk } from './state.ts'

export const DESK = 'rungate.desk'
export const DESK_BOOK = 'rungate.deskBook'

export interface DeskRules extends AdmitRules {
  bookEventsMax: number
  bookOpenedMaxBytes: number
}

export function deskDecider(rules: DeskRules): DeskDecider<DeskState, DeskCommand, DeskEvent, DeskResult> {
  return {
    category: DESK,
    newState: newDesk,
    clone: cloneDesk,
    apply: (state, event) => applyDeskEvent(state, event as DeskEvent),
    decide: (command, state, emit) => decideAt(command, state, emit, rules),
    books: {
      ...{ eventsMax: rules.bookEventsMax, openedMaxBytes: rules.bookOpenedMaxBytes, index: DESK_BOOK },
      closed: (state, book, events) => ({
        type: 'rungate.BookClosed.v1',
        data: { ...ofState(state), book, events },
      }),
      isClosed: ({ type }) => type === 'rungate.BookClosed.v1',
      opened: (state, book) => ({
        type: 'rungate.BookOpened.v1',
        data: { ...ofState(state), book, state: bookOf(state) },
      }),
      turned: (state, book) => ({ type: 'rungate.BookTurned.v1', data: { ...ofState(state), book } }),
      bookIn: (event) => (event as DeskBookEvent).data.book,
    },
  }
}

function ofState({ owner, atMs }: DeskState) {
  if (!owner) throw new Error('a desk without an event has no book to close')
  return { ...owner, occurredAt: new Date(atMs).toISOString() }
}

function decideAt(
  command: DeskCommand,
  state: DeskState,
  emit: (event: DeskEvent) => void,
  rules: DeskRules,
): DeskResult {
  const deciding = decidingOn(state, command, emit)
  switch (command.kind) {
    case 'admit':
      return admit(deciding, command, rules)
    case 'settle':
      return settle(deciding, command)
    case 'complete':
      return complete(deciding, command)
    case 'stop':
      return stop(deciding, command)
    case 'completeAll':
      return completeAll(deciding, command)
    case 'annotate':
      return annotate(deciding, command)
    case 'lift':
      return lift(deciding, command)
    case 'logTool':
      return logTool(deciding, command)
    case 'noteBlocked':
      return noteBlocked(deciding, command)
    case 'noteApproval':
      return noteApproval(deciding, command)
    case 'sweep':
      return sweep(deciding)
    case 'expireOf':
      return expireOf(deciding, command)
    default:
      return command satisfies never
  }
}
