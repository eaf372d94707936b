/**
 * Addresses of files: `/killatamata/media/files/<job>/<48 characters>/<name>`. The characters follow from the file's id under a key of
 * the installation, so that an address is known before its file is, is the same whenever it is asked for, and stands in no event.
 */
import { createHmac } from 'node:crypto'
import type { MediaFile } from '../../../events/killatamata/media.ts'
import { isSameSecret } from '../../../runtime/secret.ts'
import type { ObjectKeys } from '../../../vault/object-keys.ts'

export const FILES_PATH = '/killatamata/media/files'
const KIND = 'killatamata.files'
const INSTALLATION = 'installation'
const TOKEN_LENGTH = 48
const PATH = /^\/killatamata\/media\/files\/(job_[0-9A-Z]{26})\/([A-Za-z0-9_-]{48})\/([A-Za-z0-9._-]{1,64})$/

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
export function createFileAddresses(keys: Pick<ObjectKeys, 'ensure'>, apiUrl: () => string): FileAddresses {
  const tokenOf = async (fileId: string) => {
    const key = await keys.ensure(KIND, INSTALLATION)
    return createHmac('sha384', key).update(fileId).digest('base64url').slice(0, TOKEN_LENGTH)
  }
  return {
    urlOf: async (jobId, { fileId, name }) => `${apiUrl()}${FILES_PATH}/${jobId}/${await tokenOf(fileId)}/${name}`,
    isTokenOf: async (fileId, token) => isSameSecret(await tokenOf(fileId), token),
  }
}
