/**
 * Addresses of files: `/killatamata/media/files/<job>/<48 digits>/<name>`. The digits follow from the file's id under a key of the
 * installation, so that an address is known before its file is, is the same whenever it is asked for, and stands in no event.
 */
import type { MediaFile } from '../../../events/killatamata/media.ts'
import { isSameSecret } from '../../../runtime/secret.ts'
import type { SignInDigests } from '../digests.ts'

export const FILES_PATH = '/killatamata/media/files'
const PATH = /^\/killatamata\/media\/files\/(job_[0-9A-Z]{26})\/([0-9a-f]{48})\/([A-Za-z0-9._-]{1,64})$/

export interface FileAddress {
  jobId: string
  token: string
  name: string
}

export interface FileAddresses {
  urlOf(jobId: string, file: Pick<MediaFile, 'fileId' | 'name'>): Promise<string>
  isTokenOf(fileId: string, token: string): Promise<boolean>
}

/** Undefined: it is no address of a file. */
export function readFilePath(path: string): FileAddress | undefined {
  const [, jobId, token, name] = PATH.exec(path) ?? []
  return jobId && token && name ? { jobId, token, name } : undefined
}

/** `apiUrl`: where clients reach the API, without a slash at its end. */
export function createFileAddresses(digests: Pick<SignInDigests, 'fileTokenOf'>, apiUrl: () => string): FileAddresses {
  const tokenOf = (fileId: string) => digests.fileTokenOf('file', fileId)
  return {
    urlOf: async (jobId, { fileId, name }) => `${apiUrl()}${FILES_PATH}/${jobId}/${await tokenOf(fileId)}/${name}`,
    isTokenOf: async (fileId, token) => isSameSecret(await tokenOf(fileId), token),
  }
}
