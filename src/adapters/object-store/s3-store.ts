/** An object store in a bucket of S3, or of a service that speaks its protocol. */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { attachment } from './content-disposition.ts'
import { checked, measure } from './hashing.ts'
import {
  ObjectDamaged,
  ObjectMissing,
  type ObjectStore,
  ObjectStoreUnavailable,
  requireKey,
  requireLinkLife,
} from './object-store.ts'
import { createLinkSigner, encoded, type SigningKeys } from './signature.ts'

export interface S3StoreOptions extends SigningKeys {
  bucket: string
  /** Default: AWS's own. */
  endpoint: string | undefined
  now: () => Date
}

/** A store that takes longer to be reached is away; transfers have settings of their own. */
const CONNECT_TIMEOUT_MS = 3_000
/** Without a byte from the service. */
const IDLE_TIMEOUT_MS = 30_000
const ATTEMPTS_MAX = 3
/** Before the second attempt to send a file; twice that before the third. */
const RETRY_WAIT_MS = 200
/** A page of a list has no more, whatever is asked for. */
const PAGE_MAX = 1_000
/** What fails is told by the error that is thrown; the SDK would write to the console beside that. */
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

export function createS3Store({ bucket, endpoint, now, ...keys }: S3StoreOptions): ObjectStore {
  // A name with dots fits no certificate, and other services than AWS often have no host for each bucket.
  const forcePathStyle = endpoint !== undefined || bucket.includes('.')
  const client = new S3Client({
    region: keys.region,
    credentials: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey },
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle,
    maxAttempts: ATTEMPTS_MAX,
    logger: SILENT,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: IDLE_TIMEOUT_MS },
    // Other services do not know the checksums that AWS has by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const sign = createLinkSigner(keys)
  const service = endpoint ?? `https://s3.${keys.region}.amazonaws.com`
  const base = new URL(service)
  const path = base.pathname.replace(/\/$/, '')
  const addressOf = (key: string): URL => {
    requireKey(key)
    const object = key.split('/').map(encoded).join('/')
    if (forcePathStyle) return new URL(`${path}/${encoded(bucket)}/${object}`, base)
    return new URL(`/${object}`, `${base.protocol}//${bucket}.${base.host}`)
  }
  const link = (
    method: 'GET' | 'PUT',
    { key, expiresAt, at = now() }: { key: string; expiresAt: Date; at?: Date | undefined },
    headers: object,
    query: object,
  ): string => {
    requireLinkLife(expiresAt, at)
    const expiresInS = Math.floor((expiresAt.getTime() - at.getTime()) / 1_000)
    return sign({ method, url: addressOf(key), headers: { ...headers }, query: { ...query }, at, expiresInS })
  }
  const of = (key: string) => ({ Bucket: bucket, Key: requireKey(key) })

  async function read(key: string, sha256?: string): Promise<Readable> {
    const { Body } = await answered(key, client.send(new GetObjectCommand(of(key))))
    if (!Body) throw new ObjectMissing(`there is no object ${key}`)
    return checked(Body as Readable, { key, sha256, refuse })
  }

  async function readRange(key: string, first: number, last: number): Promise<Readable> {
    const part = new GetObjectCommand({ ...of(key), Range: `bytes=${first}-${last}` })
    const { Body } = await answered(key, client.send(part))
    if (!Body) throw new ObjectMissing(`there is no object ${key}`)
    return Body as Readable
  }

  async function head(key: string) {
    const found = await ifThere(answered(key, client.send(new HeadObjectCommand(of(key)))))
    return found && { sizeBytes: found.ContentLength ?? 0 }
  }

  /** The SDK repeats no request whose body is a stream: each attempt opens the file anew. */
  async function sendFile(path: string, facts: Omit<PutObjectCommandInput, 'Body'>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const Body = createReadStream(path)
      try {
        return void (await client.send(new PutObjectCommand({ ...facts, Body })))
      } catch (error) {
        if (attempt >= ATTEMPTS_MAX || !isPassing(error)) throw error
        await delay(RETRY_WAIT_MS * attempt)
      } finally {
        Body.destroy()
      }
    }
  }

  return {
    kind: 's3',
    head,
    read,
    readRange,
    putLink({ key, contentType, sizeBytes, expiresAt }) {
      const headers = { 'content-type': contentType, 'content-length': String(sizeBytes) }
      // A client sends the length by itself, and browsers let nobody else set it.
      return { url: link('PUT', { key, expiresAt }, headers, {}), headers: { 'content-type': contentType } }
    },
    getLink: ({ key, contentType, filename, expiresAt, madeAt }) =>
      link(
        'GET',
        { key, expiresAt, at: madeAt },
        {},
        {
          'response-content-disposition': attachment(filename),
          'response-content-type': contentType,
        },
      ),
    async write(key, from, { contentType: ContentType, sha256 }) {
      const isPath = typeof from === 'string'
      const { sizeBytes: ContentLength, sha256: found } = await measure(isPath ? createReadStream(from) : [from])
      if (found !== sha256) throw new ObjectDamaged(`what was to be stored under ${key} has another hash`)
      const facts = { ...of(key), ContentLength, ContentType }
      const sending: Promise<unknown> = isPath
        ? sendFile(from, facts)
        : client.send(new PutObjectCommand({ ...facts, Body: from }))
      await answered(key, sending)
    },
    async copy(from, to) {
      if (!(await head(to))) {
        const CopySource = `${bucket}/${requireKey(from)}`
        await answered(from, client.send(new CopyObjectCommand({ ...of(to), CopySource })))
      }
      return measure(await read(to))
    },
    async delete(key) {
      await ifThere(answered(key, client.send(new DeleteObjectCommand(of(key)))))
    },
    // The first version of the call: where a page begins is a key there, and needs no token.
    async list(prefix, after, limit) {
      const asked = {
        Bucket: bucket,
        Prefix: prefix,
        MaxKeys: Math.min(limit, PAGE_MAX),
        ...(after !== undefined && { Marker: after }),
      }
      const { Contents = [] } = await answered(prefix, client.send(new ListObjectsCommand(asked)))
      return Contents.map(({ Key = '', Size = 0, LastModified = new Date(0) }) => ({
        ...{ key: Key, sizeBytes: Size, storedAt: LastModified },
      }))
    },
    // One request takes a whole object: S3 keeps nothing of one that ended midway.
    discardUnfinished: async () => 0,
  }
}

const ifThere = <T>(answer: Promise<T>): Promise<T | undefined> =>
  answer.catch((error: unknown) => {
    if (error instanceof ObjectMissing) return undefined
    throw error
  })

/** Whether another attempt may go better: the service is away, has a fault of its own, or wants to be asked more slowly. */
function isPassing(error: unknown): boolean {
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
  return status === undefined || status === 429 || status >= 500
}

/** What the service answers; its failures become ObjectMissing or ObjectStoreUnavailable. */
async function answered<T>(key: string, asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    const isMissing = error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404
    if (isMissing && error.name !== 'NoSuchBucket')
      throw new ObjectMissing(`there is no object ${key}`, { cause: error })
    return refuse(error)
  }
}

function refuse(error: unknown): never {
  const name = error instanceof Error ? error.name : String(error)
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
  // A key that may not list a bucket is told 403 of what is not there.
  const what = status === 403 ? `${name}, 403: is the key allowed ListBucket?` : name
  throw new ObjectStoreUnavailable(`the object store does not answer as it should (${what})`, { cause: error })
}
