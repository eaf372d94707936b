/** A server of S3's protocol with one bucket, on this machine. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from 's3rver'
import { createS3Store, type S3StoreOptions } from '../../../src/adapters/object-store/s3-store.ts'

/** The only key that s3rver knows. */
export const s3Key = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
export const s3Bucket = 'opslog-test'

export async function startS3Server(now: () => Date = () => new Date()) {
  const directory = await mkdtemp(join(tmpdir(), 'opslog-s3-'))
  const configureBuckets = [{ name: s3Bucket, configs: [] }]
  const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory, configureBuckets })
  const { port } = await server.run()
  const endpoint = `http://127.0.0.1:${port}`
  return {
    ...{ directory, endpoint },
    storeWith: (options: Partial<S3StoreOptions> = {}) =>
      createS3Store({ bucket: s3Bucket, endpoint, region: 'us-east-1', ...s3Key, now, ...options }),
    async stop() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
