/** The copies of a file that are gone. */
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { file, type NoteRemoval } from '../../../src/commands/firsthand/file.ts'
import type { FileCopy, FileEvent } from '../../../src/events/firsthand/file.ts'
import { specify } from '../../support/given.ts'
import { at, live } from './story.ts'

const given = specify(file)
const removed = (copy: FileCopy): NoteRemoval['removed'] => ({
  ...{ ...live, jobId: 'job_1', submissionId: 'sub_1', fileId: 'file_1', copy },
  ...{ objectKey: copy === 'original' ? 'originals/1' : 'files/1', keptFor: 'nothing' },
})
const note = (copy: FileCopy, minute = 1): NoteRemoval => ({ removed: removed(copy), at: at(minute) })
const gone = (copy: FileCopy): FileEvent => ({
  type: 'firsthand.FileRemoved.v1',
  data: { ...removed(copy), occurredAt: at(1) },
})

describe('the removal of a copy', () => {
  it('is noted, with the reason that it is kept no longer', () => {
    given([])
      .when(note('original'))
      .then([gone('original')])
    const disputed = { ...removed('original'), keptFor: 'dispute' as const }
    given([])
      .when({ removed: disputed, at: at(1) })
      .then([{ type: 'firsthand.FileRemoved.v1', data: { ...disputed, occurredAt: at(1) } }])
  })

  it('is noted once, whoever notes it again', () =>
    given([gone('original')])
      .when(note('original', 9))
      .then([]))

  it('is that of this copy alone', () => {
    given([gone('original')])
      .when(note('delivered'))
      .then([gone('delivered')])
    given([gone('original'), gone('delivered')])
      .when(note('delivered'))
      .then([])
    expect(fold(file, [gone('original'), gone('delivered')])).toStrictEqual(['original', 'delivered'])
  })
})
