/**
 * The sample context's read models: notes and who wrote last, which set aside what they cannot take in, and boards, which
 * halt at it.
 */
import { integer, text } from '../../src/projections/columns.ts'
import { defineProjection, defineTable, patch, remove, upsert } from '../../src/projections/projection.ts'
import type { BoardEvent } from './board.ts'
import type { NoteEvent } from './note.ts'

export const notes = defineTable({
  name: 'sample_notes',
  key: ['note_id'],
  columns: { note_id: text, tenant_id: text, text, place: integer.orNull },
  generated: { is_pinned: text.of<'yes' | 'no'>().computed(`CASE WHEN place IS NULL THEN 'no' ELSE 'yes' END`) },
  indexes: ['(tenant_id, note_id)', '(tenant_id) WHERE place IS NOT NULL'],
})

export const noteProjection = defineProjection<NoteEvent | BoardEvent>({
  name: 'sample.note',
  version: 1,
  onPoison: 'park',
  tables: [notes],
  handlers: {
    'sample.NoteWritten.v1': ({ data }) => [
      upsert(notes, { note_id: data.noteId, tenant_id: data.tenantId, text: data.text, place: null }),
    ],
    'sample.NotePinned.v1': ({ data }) => [patch(notes, { note_id: data.noteId }, { place: data.place })],
    'sample.NoteTakenDown.v1': ({ data }) => [patch(notes, { note_id: data.noteId }, { place: null })],
  },
})

const writers = defineTable({
  name: 'sample_writers',
  key: ['tenant_id'],
  columns: { tenant_id: text, last_note_id: text },
})

export const writerProjection = defineProjection<NoteEvent>({
  name: 'sample.writer',
  version: 1,
  onPoison: 'park',
  tables: [writers],
  handlers: {
    'sample.NoteWritten.v1': ({ data }) => [upsert(writers, { tenant_id: data.tenantId, last_note_id: data.noteId })],
  },
})

const places = defineTable({
  name: 'sample_places',
  key: ['tenant_id', 'place'],
  columns: { tenant_id: text, place: integer, note_id: text },
})

export const boardProjection = defineProjection<BoardEvent>({
  name: 'sample.board',
  version: 1,
  onPoison: 'halt',
  tables: [places],
  handlers: {
    'sample.NotePinned.v1': ({ data }) => [
      upsert(places, { tenant_id: data.tenantId, place: data.place, note_id: data.noteId }),
    ],
    'sample.NoteTakenDown.v1': ({ data }) => [remove(places, { tenant_id: data.tenantId, place: data.place })],
  },
})

export const sampleProjections = [noteProjection, writerProjection, boardProjection]
