/** The sample context as the kernel is told of it: events, folds, tables, and what auditors can check. */
import { auditRulesOf } from '../../src/audit/declarations.ts'
import type { Context } from '../../src/context.ts'
import { createRegistry, inStreams } from '../../src/events/registry.ts'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'
import { board, boardEvents } from './board.ts'
import { memberEvents } from './member.ts'
import { note, noteEvents } from './note.ts'
import { sampleProjections } from './read-models.ts'
import { room, roomEvents, roomSentences, takingsBook } from './room.ts'

export const sample = {
  name: 'sample',
  events: {
    ...inStreams({
      'sample.note': noteEvents.schemas,
      'sample.board': boardEvents,
      'sample.room': roomEvents,
      'sample.member': memberEvents,
    }),
    sentences: roomSentences,
    person: 'memberId',
    forgets: ['sample.MemberForgotten.v1'],
    tenant: 'tenantId',
    things: ['memberId', 'noteId', 'roomId'],
  },
  aggregates: [note, board, room],
  projections: sampleProjections,
  books: {
    categories: ['sample.member'],
    streamBooks: { 'sample.room': [takingsBook] },
    sequences: { 'sample.VisitCounted.v1': 'sequence', 'sample.FeeTaken.v1': 'sequence' },
    mentions: { 'sample.RoomOpened.v1': { isCreation: true, names: ['name'] } },
  },
} satisfies Pick<Context, 'name' | 'events' | 'aggregates' | 'projections' | 'books'>

export const sampleRegistry = createRegistry([sample])
export const sampleRules = auditRulesOf([sample])
export const SAMPLE_CHECKPOINT = projectionsCheckpoint('sample')
