/**
 * A log position as callers see it: one AES-256 block of the position, four random bytes and four zeros, in 22 characters.
 * The random bytes hide whether two positions are the same; the zeros show a text that this installation did not make. A
 * guess that passes as one, in 4,000 million, only makes its reader wait. Every answer carries a position. One block
 * of a cipher that stays open takes a fifth of the time of a box of AES-GCM.
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto'
import { perKey } from './derived-key.ts'

const BLOCK_BYTES = 16
const NONCE = { at: 8, bytes: 4 }
const ZEROS_AT = 12
const TEXT_LENGTH = 22
const POSITION_MAX = 2n ** 63n - 1n
/** Random bytes are fetched so many at once: one call costs more than the cipher. */
const POOL_BYTES = 4_096

export interface PositionSealer {
  /** Of 0 to 2^63 - 1; another text each time. */
  sealPosition(position: bigint): string
  /** Undefined where this installation did not make the text. */
  openPosition(sealed: string): bigint | undefined
}

/** `keys`: the instance's own, of which the first one seals and any opens. */
export function createPositionSealer(keys: () => readonly Uint8Array[]): PositionSealer {
  const blockOf = perKey('opslog positions', (key) => ({
    encrypt: createCipheriv('aes-256-ecb', key, null).setAutoPadding(false),
    decrypt: createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false),
  }))
  const pool = Buffer.alloc(POOL_BYTES)
  let taken = POOL_BYTES
  const fillNonce = (block: Buffer): void => {
    if (taken === POOL_BYTES) {
      randomFillSync(pool)
      taken = 0
    }
    pool.copy(block, NONCE.at, taken, taken + NONCE.bytes)
    taken += NONCE.bytes
  }
  return {
    sealPosition(position) {
      const [current] = keys()
      if (!current) throw new Error('there is no key to seal positions with')
      const block = Buffer.alloc(BLOCK_BYTES)
      block.writeBigUInt64BE(position)
      fillNonce(block)
      return blockOf(current).encrypt.update(block).toString('base64url')
    },
    openPosition(sealed) {
      const block = sealed.length === TEXT_LENGTH ? Buffer.from(sealed, 'base64url') : undefined
      // Other spellings of the same bytes are changed texts.
      if (block?.length !== BLOCK_BYTES || block.toString('base64url') !== sealed) return undefined
      for (const key of keys()) {
        const plain = blockOf(key).decrypt.update(block)
        const position = plain.readBigUInt64BE()
        if (plain.readUInt32BE(ZEROS_AT) === 0 && position <= POSITION_MAX) return position
      }
      return undefined
    },
  }
}
