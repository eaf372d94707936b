/** The sample context's second aggregate: a tenant's board, on which notes are pinned, few at a time. */
import { z } from 'zod'
import { type Aggregate, streamName } from '../../src/commands/decider.ts'
import { Rejected } from '../../src/commands/rejection.ts'
import type { EventOf } from '../../src/events/event.ts'

export const boardEvents = {
  'sample.NotePinned.v1': z.object({ tenantId: z.string(), noteId: z.string(), place: z.int() }),
  'sample.NoteTakenDown.v1': z.object({ tenantId: z.string(), noteId: z.string(), place: z.int() }),
}
export type BoardEvent = EventOf<typeof boardEvents>

export const BOARD_PLACES = 3

export interface BoardCommand {
  kind: 'pin' | 'take down'
  tenantId: string
  noteId: string
}

/** Place → the note in it. */
type Places = ReadonlyMap<number, string>

export const board: Aggregate<Places, BoardCommand, BoardEvent> = {
  category: 'sample.board',
  initialState: new Map(),
  evolve(places, { type, data }) {
    const after = new Map(places)
    if (type === 'sample.NotePinned.v1') after.set(data.place, data.noteId)
    else after.delete(data.place)
    return after
  },
  decide({ kind, tenantId, noteId }, places) {
    const at = [...places].find(([, pinned]) => pinned === noteId)?.[0]
    if (kind === 'take down') {
      return at === undefined ? [] : [{ type: 'sample.NoteTakenDown.v1', data: { tenantId, noteId, place: at } }]
    }
    if (at !== undefined) return []
    const place = Array.from({ length: BOARD_PLACES }, (_, index) => index).find((index) => !places.has(index))
    if (place === undefined) throw new Rejected('board_full', 'The board has no place left.')
    return [{ type: 'sample.NotePinned.v1', data: { tenantId, noteId, place } }]
  },
}

export const boardStream = (tenantId: string): string => streamName(board, tenantId)
