/** The object store that the settings name. The SDK of S3 is loaded only where a bucket is. */
import { InvalidConfiguration } from '../../runtime/invalid-configuration.ts'
import { createDiskStore, type DiskStoreOptions } from './disk-store.ts'
import type { ObjectStore } from './object-store.ts'
import type { ObjectStoreSettings } from './settings.ts'

/** How the ids of keys begin that AWS gives out for some hours. */
const TEMPORARY = 'ASIA'

/** Throws InvalidConfiguration where the settings of a bucket cannot work. */
export async function openObjectStore(settings: ObjectStoreSettings, disk: DiskStoreOptions): Promise<ObjectStore> {
  const { S3_BUCKET: bucket, S3_ENDPOINT: endpoint } = settings
  if (bucket === undefined) {
    if (endpoint === undefined) return createDiskStore(disk)
    throw new InvalidConfiguration('S3_ENDPOINT is set without S3_BUCKET: name the bucket, or unset both.')
  }
  const own = settings.S3_ACCESS_KEY_ID !== undefined
  const accessKeyId = settings.S3_ACCESS_KEY_ID ?? settings.AWS_ACCESS_KEY_ID
  const secretAccessKey = own ? settings.S3_SECRET_ACCESS_KEY : settings.AWS_SECRET_ACCESS_KEY
  const isTemporary = accessKeyId?.startsWith(TEMPORARY) || (!own && settings.AWS_SESSION_TOKEN !== undefined)
  if (isTemporary) {
    throw new InvalidConfiguration(
      'The access key of S3_BUCKET is a temporary one: links of seven days would end with it. ' +
        'Set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY to a long-term key.',
    )
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new InvalidConfiguration(
      'S3_BUCKET needs a key that signs links: set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY.',
    )
  }
  const region = settings.S3_REGION ?? settings.AWS_REGION ?? 'us-east-1'
  const { createS3Store } = await import('./s3-store.ts')
  return createS3Store({ bucket, endpoint, region, accessKeyId, secretAccessKey, now: disk.now })
}
