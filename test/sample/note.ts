/** The sample context's first aggregate: a note, which is written once and then says what it says. */
import { z } from 'zod'
import type { Aggregate } from '../../src/commands/decider.ts'
import type { EventOf } from '../../src/events/event.ts'
import { type EventDeclarations, inStreams } from '../../src/events/registry.ts'

const schemas = {
  'sample.NoteWritten.v1': z.object({ noteId: z.string(), tenantId: z.string(), text: z.string() }),
}
export const noteEvents: EventDeclarations = {
  ...inStreams({ 'sample.note': schemas }),
  tenant: 'tenantId',
  things: ['noteId'],
}
export type NoteEvent = EventOf<typeof schemas>

export interface NoteFacts {
  noteId: string
  tenantId: string
  text: string
}

export const note: Aggregate<NoteFacts | undefined, NoteFacts, NoteEvent> = {
  category: 'sample.note',
  initialState: undefined,
  evolve: (_, { data }) => data,
  decide: (facts, state) => (state ? [] : [{ type: 'sample.NoteWritten.v1', data: facts }]),
}
