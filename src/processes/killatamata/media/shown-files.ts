/** A job's files as answers and callbacks show them. */
import type { MediaFile } from '../../../events/killatamata/media.ts'
import type { Media } from './parts.ts'

export interface ShownFile {
  fileId: string
  url: string
  mimeType: string
  sizeBytes: number
  sha256: string
  width?: number
  height?: number
  durationMs?: number
  frames?: number
}

export type FileFacts = Pick<MediaFile, 'fileId' | 'name' | 'mimeType' | 'sizeBytes' | 'sha256' | 'measures'>

const defined = <T extends object>(members: T): T =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T

export const shownFiles = (
  { addresses }: Pick<Media, 'addresses'>,
  jobId: string,
  files: readonly FileFacts[],
): Promise<ShownFile[]> =>
  Promise.all(
    files.map(async (file) => {
      const { fileId, mimeType, sizeBytes, sha256, measures } = file
      return { fileId, url: await addresses.urlOf(jobId, file), mimeType, sizeBytes, sha256, ...defined(measures) }
    }),
  )
