/** Bytes that are hashed on their way. */
import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { ObjectDamaged, type StoredBytes } from './object-store.ts'

export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** The same bytes, which `digest` has taken in when they have passed. */
export async function* hashing(source: Bytes, digest: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    digest.update(chunk)
    yield chunk
  }
}

/** Size and SHA-256 (hex) of all of them. */
export async function measure(source: Bytes): Promise<StoredBytes> {
  const digest = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of hashing(source, digest)) sizeBytes += chunk.byteLength
  return { sizeBytes, sha256: digest.digest('hex') }
}

/** What an object is to be, and how its store's failures are told. */
export interface Expected {
  key: string
  /** SHA-256 in hex; undefined: not looked at. */
  sha256: string | undefined
  /** Throws what a failure of the source means. */
  refuse: (error: unknown) => never
}

/** The same bytes; fails with ObjectDamaged at their end where their hash is another. */
export function checked(source: Readable, expected: Expected): Readable {
  const bytes = Readable.from(verified(source, expected), { objectMode: false })
  // Also where nobody has begun to read.
  return bytes.once('close', () => source.destroy())
}

async function* verified(source: Readable, { key, sha256, refuse }: Expected): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256')
  try {
    yield* sha256 === undefined ? source : hashing(source, digest)
  } catch (error) {
    refuse(error)
  }
  const found = sha256 === undefined ? sha256 : digest.digest('hex')
  if (found !== sha256) throw new ObjectDamaged(`${key} has the hash ${found} instead of ${sha256}`)
}
