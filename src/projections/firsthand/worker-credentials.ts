/** The directory of workers' tokens, each with its worker, whose suspension locks all of them out. */
import { createKeyDirectory, type KeyDirectory } from '../../api-keys/key-directory.ts'
import type { RowOf } from '../projection.ts'
import { workerProjection, workers, workerTokens } from './worker.ts'

export interface WorkerCredential {
  worker: RowOf<typeof workers>
  token: RowOf<typeof workerTokens>
}
export type WorkerDirectory = KeyDirectory<WorkerCredential>

export const createWorkerDirectory = (): WorkerDirectory =>
  createKeyDirectory({
    context: 'firsthand',
    streams: { 'firsthand.worker': workers },
    projections: [workerProjection],
    keys: { table: workerTokens, textId: 'text_id' },
    entryOf(token, row) {
      const worker = row(workers, token.worker_id)
      return worker && { worker, token }
    },
    hasEnded: ({ revoked_at }) => revoked_at !== null,
  })
