/** The copies of a file that are gone, each noted once. */
import type { FileCopy, FileEvent } from '../../events/firsthand/file.ts'
import type { Aggregate } from '../decider.ts'

export type FileState = readonly FileCopy[]

/** To be given when the bytes are gone: their removal follows from what is recorded already, and may be repeated. */
export interface NoteRemoval {
  removed: Omit<FileEvent['data'], 'occurredAt'>
  at: string
}

export const file: Aggregate<FileState, NoteRemoval, FileEvent> = {
  category: 'firsthand.file',
  initialState: [],
  evolve: (gone, event) => [...gone, event.data.copy],
  decide: ({ removed, at }, gone) =>
    gone.includes(removed.copy) ? [] : [{ type: 'firsthand.FileRemoved.v1', data: { ...removed, occurredAt: at } }],
}
