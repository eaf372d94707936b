/** Histories of the sample context in the making: notes, by number, and what is pinned. */
import { createRecorder } from '../support/examples.ts'
import { boardStream } from './board.ts'

const TENANT = 'acme'
/** One for all notes, so that what follows poison in a stream is seen. */
const STREAM = 'sample.note-all'
const placed = (index: number) => ({ tenantId: TENANT, noteId: `note-${index}`, place: 0 })

export function createHistory() {
  const recorder = createRecorder()
  const note = (index: number) => {
    const data = { noteId: `note-${index}`, tenantId: TENANT, text: 'hello' }
    return recorder.record({ type: 'sample.NoteWritten.v1', data }, STREAM)
  }
  return {
    ...recorder,
    note,
    notes: (from: number, count: number) => Array.from({ length: count }, (_, index) => note(from + index)),
    pinned: (index: number) =>
      recorder.record({ type: 'sample.NotePinned.v1', data: placed(index) }, boardStream(TENANT)),
    takenDown: (index: number) =>
      recorder.record({ type: 'sample.NoteTakenDown.v1', data: placed(index) }, boardStream(TENANT)),
  }
}
