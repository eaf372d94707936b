/** The bytes of a scoring: the original, fetched and checked against its hash, and the copy for the buyer, stored. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { DeliveredCopy } from '../../adapters/inspection/inspection.ts'
import { fileKeyOf } from '../../commands/firsthand/object-keys.ts'
import type { Attempt, Recording } from './scoring-parts.ts'

export const originalIn = (folder: string): string => join(folder, 'original')
export const copyIn = (folder: string): string => join(folder, 'copy')
export const previewIn = (folder: string): string => join(folder, 'preview')

/** Fetches what was submitted. Rejects where the store does not answer, or gives other bytes than were submitted. */
export async function fetchOriginal({ parts, state, folder, signal }: Attempt): Promise<void> {
  const { objectKey, sha256 } = state.upload
  await pipeline(await parts.objects.read(objectKey, sha256), createWriteStream(originalIn(folder)), { signal })
}

/** Stores the copy, before anything is approved: an approved file always has its bytes. Answers what is to be recorded. */
export async function storeCopy(attempt: Attempt, copy: DeliveredCopy): Promise<Recording> {
  const { parts, state, folder, round } = attempt
  const { contentType, sha256, sizeBytes, width, height, durationSeconds } = copy
  const { fileId } = state.upload
  const objectKey = fileKeyOf(state.owner, fileId)
  await parts.objects.write(objectKey, copyIn(folder), { contentType, sha256 })
  const of = { round, fileId, objectKey, contentType, sizeBytes, sha256, width, height, durationSeconds }
  return { kind: 'storeCopy', copy: of }
}
