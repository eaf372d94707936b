/**
 * Where files lie: a bucket of S3, or a directory of this machine. Clients send and fetch bytes by links that are signed
 * for one object, one method and one time; everything else goes by key. Keys are made by us and never hold a name from
 * outside: `uploads/…` takes what clients send, `originals/…` what is inspected, `files/…` what is delivered,
 * `media/…` the inputs and files of media jobs.
 */
import type { Readable } from 'node:stream'

/** What the holder of a PUT link may send. */
export interface Upload {
  key: string
  contentType: string
  /** Exactly so many bytes. */
  sizeBytes: number
  expiresAt: Date
}

export interface PutLink {
  url: string
  /** Headers that the PUT must carry as they stand here, by their names in lower case. */
  headers: Readonly<Record<string, string>>
}

/** What the holder of a GET link is given. */
export interface Download {
  key: string
  /** The type that the answer has, whatever the object was stored with. */
  contentType: string
  /** Under which name a browser saves it; made safe for a header by the store. */
  filename: string
  expiresAt: Date
  /** When the link is made, by which S3 signs: what is made of one time is the same text. Default: now. */
  madeAt?: Date
}

export interface StoredBytes {
  sizeBytes: number
  /** SHA-256 in hex. */
  sha256: string
}

export interface ListedObject {
  key: string
  sizeBytes: number
  /** When its bytes came. */
  storedAt: Date
}

export interface ObjectStore {
  readonly kind: 'disk' | 's3'
  /** Throws RangeError for a link that ends later than LINK_MAX_S from now. No request is made. */
  putLink(upload: Upload): PutLink
  /** Like `putLink`, from `madeAt` on. A page of links is cheap: the signing key is derived once. */
  getLink(download: Download): string
  /**
   * The bytes as a stream. With `sha256` (hex) the stream fails with ObjectDamaged at its end where they are others.
   * Rejects with ObjectMissing.
   */
  read(key: string, sha256?: string): Promise<Readable>
  /** The bytes from `first` to `last`, from 0, both included; the object has them. Rejects with ObjectMissing. */
  readRange(key: string, first: number, last: number): Promise<Readable>
  /**
   * Stores the bytes, or those of the file at this path, whole or not at all; what stood there is replaced. Rejects with
   * ObjectDamaged where their SHA-256 (hex) is another, with ObjectStoreUnavailable on a full disk.
   */
  write(key: string, from: string | Uint8Array, of: { contentType: string; sha256: string }): Promise<void>
  /**
   * Copies under a key that has no link, and says what was copied. Where `to` is there already it stays, so a repeat
   * answers the same. Rejects with ObjectMissing.
   */
  copy(from: string, to: string): Promise<StoredBytes>
  /** Without effect where there is nothing. */
  delete(key: string): Promise<void>
  head(key: string): Promise<{ sizeBytes: number } | undefined>
  /** Objects whose key begins with `prefix`, after `after` in an order that stays; at most `limit`. */
  list(prefix: string, after: string | undefined, limit: number): Promise<readonly ListedObject[]>
  /** Removes what uploads and writes have left that ended midway before this time. Answers how much that was. */
  discardUnfinished(before: Date): Promise<number>
}

/** The longest life of a link, in seconds: S3 takes no more. */
export const LINK_MAX_S = 604_800

/** Throws RangeError where the link would live for longer. */
export function requireLinkLife(expiresAt: Date, now: Date): void {
  const lifeS = (expiresAt.getTime() - now.getTime()) / 1_000
  if (!(lifeS <= LINK_MAX_S)) throw new RangeError(`a link lives for at most ${LINK_MAX_S} s, not for ${lifeS}`)
}

const KEY = /^(uploads|originals|files|media)(\/[A-Za-z0-9_-]{1,64}){1,8}$/

/** The key. Throws where it is none of ours: no other text becomes a path or an address. */
export function requireKey(key: string): string {
  if (!KEY.test(key)) throw new Error('this is no key of an object')
  return key
}

/** There is no object under this key. */
export class ObjectMissing extends Error {
  override name = 'ObjectMissing'
}

/** The bytes are not those that were stored. */
export class ObjectDamaged extends Error {
  override name = 'ObjectDamaged'
}

/** The store does not answer, or has no room; trying again later may help. */
export class ObjectStoreUnavailable extends Error {
  override name = 'ObjectStoreUnavailable'
}
