/** What the log says of why a file's copies are kept, from the upload to their removal. */
import { describe, expect, it } from 'vitest'
import { type ObjectRow, objectProjection } from '../../../src/projections/firsthand/object.ts'
import { createRecorder, type ExampleType, example } from '../../support/examples.ts'

describe('a file’s copies', () => {
  const { record } = createRecorder()
  const told = (name: string) => record(example(`firsthand.${name}.v1` as ExampleType))
  /** The row of a copy after these events, by the changes that the handlers give. */
  function rowAfter(copy: ObjectRow['copy'], ...names: string[]): Partial<ObjectRow> | undefined {
    let row: Partial<ObjectRow> | undefined
    for (const name of names) {
      for (const change of objectProjection.handlers[`firsthand.${name}.v1`]?.(told(name)) ?? []) {
        if (change.kind === 'upsert' && change.row.copy === copy) row = { ...change.row }
        if (change.kind === 'patch' && change.key.copy === copy) row = row && { ...row, ...change.values }
      }
    }
    return row
  }
  const at = (name: string) => (told(name).data as { occurredAt: string }).occurredAt

  it('are kept while they are scored', () => {
    const scoring = { kept_for: 'scoring', remove_at: null, removed_at: null }
    expect(rowAfter('original', 'UploadStored', 'SubmissionReceived')).toMatchObject(scoring)
    expect(rowAfter('delivered', 'UploadStored', 'SubmissionReceived')).toBeUndefined()
  })

  it('of a copy that the job never takes may go after 30 days, as after a rejection', () => {
    const remove_at = new Date(Date.parse(at('DeliveryCopyStored')) + 30 * 86_400_000).toISOString()
    const kept = { kept_for: 'scoring', remove_at, removed_at: null }
    expect(rowAfter('delivered', 'DeliveryCopyStored')).toMatchObject(kept)
    // The job was cancelled while the copy was on its way.
    const rejectedFirst = ['UploadStored', 'SubmissionReceived', 'SubmissionRejected', 'DeliveryCopyStored'] as const
    expect(rowAfter('delivered', ...rejectedFirst)).toMatchObject(kept)
  })

  it('may go after seven days where the submission never arrived', () => {
    const remove_at = new Date(Date.parse(at('UploadStored')) + 7 * 86_400_000).toISOString()
    expect(rowAfter('original', 'UploadStored')).toMatchObject({ kept_for: 'scoring', remove_at, removed_at: null })
  })

  it('are the buyer’s once approved, and the original may go at once', () => {
    const names = ['UploadStored', 'SubmissionReceived', 'DeliveryCopyStored', 'SubmissionApproved']
    expect(rowAfter('delivered', ...names)).toMatchObject({ kept_for: 'buyer', remove_at: null })
    const approvedAt = at('SubmissionApproved')
    expect(rowAfter('original', ...names)).toMatchObject({ kept_for: 'nothing', remove_at: approvedAt })
    expect(rowAfter('original', ...names, 'FileRemoved')).toMatchObject({ removed_at: at('FileRemoved') })
  })

  it('may both go 30 days after a rejection, unless they are scored again', () => {
    const names = ['UploadStored', 'SubmissionReceived', 'DeliveryCopyStored', 'SubmissionRejected']
    const rejectedAt = Date.parse(at('SubmissionRejected'))
    const remove_at = new Date(rejectedAt + 30 * 86_400_000).toISOString()
    for (const copy of ['original', 'delivered'] as const) {
      expect(rowAfter(copy, ...names)).toMatchObject({ kept_for: 'dispute', remove_at })
      const again = rowAfter(copy, ...names, 'SubmissionReceived')
      expect(again).toMatchObject({ kept_for: 'scoring', remove_at: null })
    }
  })
})
