/** Which store the settings name, and the settings that cannot work. */
import { describe, expect, it } from 'vitest'
import { openObjectStore } from '../../../src/adapters/object-store/open-store.ts'
import { objectStoreSettings } from '../../../src/adapters/object-store/settings.ts'

const disk = {
  directory: '/nowhere',
  keys: () => [Buffer.alloc(32)],
  linkBase: () => 'http://x',
  now: () => new Date(),
}
const open = (given: Record<string, string>) => openObjectStore(objectStoreSettings.parse(given), disk)
const bucket = { S3_BUCKET: 'b' }
const own = { S3_ACCESS_KEY_ID: 'AKIAX', S3_SECRET_ACCESS_KEY: 's' }
const aws = { AWS_ACCESS_KEY_ID: 'AKIAY', AWS_SECRET_ACCESS_KEY: 't' }

/** The key and the region of a link's signature. */
async function signerOf(given: Record<string, string>) {
  const store = await open(given)
  const link = store.getLink({
    key: 'files/x',
    contentType: 'a/b',
    filename: 'x',
    expiresAt: new Date(Date.now() + 1_000),
  })
  const [keyId, , region] = new URL(link).searchParams.get('X-Amz-Credential')?.split('/') ?? []
  return { kind: store.kind, keyId, region }
}

describe('the object store', () => {
  it('is a directory where no bucket is named', async () => {
    expect((await open(aws)).kind).toBe('disk')
  })

  it('is a bucket with its own key, else with that of AWS', async () => {
    expect(
      await signerOf({ ...bucket, ...own, ...aws, S3_REGION: 'eu-west-1', AWS_REGION: 'eu-west-2' }),
    ).toStrictEqual({
      ...{ kind: 's3', keyId: 'AKIAX', region: 'eu-west-1' },
    })
    expect(await signerOf({ ...bucket, ...aws, AWS_REGION: 'eu-west-2' })).toMatchObject({
      ...{ keyId: 'AKIAY', region: 'eu-west-2' },
    })
    expect(await signerOf({ ...bucket, ...own, AWS_SESSION_TOKEN: 't' })).toMatchObject({ region: 'us-east-1' })
  })

  it.each([
    ['a bucket without a key', bucket, /S3_ACCESS_KEY_ID/],
    ['half a key', { ...bucket, S3_ACCESS_KEY_ID: 'AKIAX', ...aws }, /S3_SECRET_ACCESS_KEY/],
    ['a temporary key', { ...bucket, ...aws, AWS_SESSION_TOKEN: 't' }, /temporary/],
    ['a temporary key by its name', { ...bucket, ...own, S3_ACCESS_KEY_ID: 'ASIAX' }, /temporary/],
    ['a service without a bucket', { S3_ENDPOINT: 'http://127.0.0.1:9000' }, /S3_BUCKET/],
  ])('refuses %s', async (_, given, says) => {
    await expect(open(given)).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message: expect.stringMatching(says),
    })
  })
})
