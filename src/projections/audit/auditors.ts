/** The directory of auditors' keys. */
import { createKeyDirectory, type KeyDirectory } from '../../api-keys/key-directory.ts'
import { type AuditorKeyRow, auditorKeyProjection, auditorKeys } from './auditor-key.ts'

export const createAuditorDirectory = (): KeyDirectory<AuditorKeyRow> =>
  createKeyDirectory({
    context: 'audit',
    streams: { 'audit.auditor': auditorKeys },
    projections: [auditorKeyProjection],
    keys: { table: auditorKeys, textId: 'key_id' },
    entryOf: (key) => key,
    hasEnded: ({ revoked_at }) => revoked_at !== null,
  })
