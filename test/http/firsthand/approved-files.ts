/** Files that workers have made, in the log and in the object store, without a worker's requests and without an inspector. */
import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { job } from '../../../src/commands/firsthand/job.ts'
import { submission } from '../../../src/commands/firsthand/submission.ts'
import { findSubmission } from '../../../src/projections/firsthand/submission.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { sha256 } from '../../adapters/object-store/store-contract.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, systemContext } from '../api.ts'

export interface FileOptions {
  bytes?: Uint8Array
  filename?: string | null
  /** Less than 3: rejected. */
  stars?: number
}

export interface MadeFile {
  fileId: string
  submissionId: string
  /** Of the delivered copy. */
  objectKey: string
  originalKey: string
  scoredAt: string
}

const JPEG = 'image/jpeg' as const
const HOUR_MS = 3_600_000

/** One after the other, each scored a millisecond later at least; the read models have them when this resolves. */
export async function addFiles(api: Api, jobId: string, files: readonly FileOptions[]): Promise<MadeFile[]> {
  const made: MadeFile[] = []
  for (const file of files) made.push(await addFile(api, jobId, file))
  for (const { submissionId } of made) {
    await eventually(async () => expect((await findSubmission(api.db, submissionId))?.scored_at).toBeTruthy())
  }
  return made
}

let lastMs = 0
/** Later than the one before. */
const nextTime = (): string => {
  lastMs = Math.max(Date.now(), lastMs + 1)
  return new Date(lastMs).toISOString()
}

async function addFile(api: Api, jobId: string, options: FileOptions): Promise<MadeFile> {
  const { bytes = randomBytes(64), filename = 'door.jpg', stars = 5 } = options
  const { bus, objects } = api
  const at = nextTime()
  const state = await bus.load(job, jobId)
  if (state.status === 'absent') throw new Error(`there is no job ${jobId}`)
  const { organizationId, environment } = state.facts
  const idOf = (prefix: string) => prefixedId(prefix, at, randomUUID())
  const [claimId, submissionId, workerId, fileId] = [idOf('clm'), idOf('sub'), idOf('wkr'), idOf('file')]
  const [originalKey, objectKey] = ['originals', 'files'].map(
    (kind) => `${kind}/${environment}/${organizationId}/${jobId}/${fileId}`,
  ) as [string, string]
  const stored = { contentType: JPEG, sha256: sha256(bytes) }
  for (const key of [originalKey, objectKey]) await objects.write(key, bytes, stored)
  const of = { organizationId, environment, jobId, submissionId, workerId }
  const limits = { openSeatsMax: 500, workerClaimsMax: 500 }
  const expiresAt = new Date(Date.parse(at) + HOUR_MS).toISOString()
  const decide = (command: Parameters<typeof job.decide>[0]) => bus.handle(job, jobId, command, systemContext())
  await decide({ kind: 'claim', environment, claimId, submissionId, workerId, expiresAt, limits, at })
  const ofFile = { fileId, ...stored, sizeBytes: bytes.length }
  const upload = {
    ...{ ...of, ...ofFile, attempt: 1, occurredAt: at, claimId, uploadId: idOf('upl'), filename },
    objectKey: originalKey,
  }
  await bus.handle(submission, submissionId, { kind: 'storeUpload', upload }, systemContext())
  await decide({ kind: 'receive', claimId, round: 1, fileId, at })
  if (stars >= 3) {
    const copy = { round: 1, ...ofFile, objectKey, width: 640, height: 480, durationSeconds: null }
    await bus.handle(submission, submissionId, { kind: 'storeCopy', copy, at }, systemContext())
  }
  const score = {
    submissionId,
    round: 1,
    stars,
    reason: 'It is as it is.',
    cause: 'score',
    perceptualHash: null,
  } as const
  await decide({ kind: 'score', ...score, at })
  return { fileId, submissionId, objectKey, originalKey, scoredAt: at }
}
