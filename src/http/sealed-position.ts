/**
 * A log position as callers see it: one AES-256 block of the position, a counter of four bytes and four zeros, in 22
 * characters. The counter makes each text another one, which hides whether two positions are the same; the zeros show a
 * text that this installation did not make. A guess that passes as one, in 4,000 million, only makes its reader wait. Most
 * answers carry the position of the one before: a call of the cipher makes many texts, and takes as long as for one.
 */
import { type Cipheriv, createCipheriv, createDecipheriv, randomInt } from 'node:crypto'
import { perKey } from './derived-key.ts'

/** Of AES. */
const BLOCK_BYTES = 16
const COUNTER_AT = 8
const COUNTER_END = 2 ** 32
const ZEROS_AT = 12
/** A block as base64url, without padding; and the positions that fit into it. */
const TEXT_LENGTH = 22
const POSITION_MAX = 2n ** 63n - 1n
/** Texts of one position that are made at a time. */
const TEXTS_MAX = 16

export interface PositionSealer {
  /** Of 0 to 2^63 - 1; another text each time. */
  sealPosition(position: bigint): string
  /** Undefined where this installation did not make the text. */
  openPosition(sealed: string): bigint | undefined
}

/** `keys`: the instance's own, of which the first one seals and any opens. */
export function createPositionSealer(keys: () => readonly Uint8Array[]): PositionSealer {
  const blockOf = perKey('opslog positions', (key) => ({
    textOf: sealedTexts(createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)),
    decrypt: createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false),
  }))
  return {
    sealPosition(position) {
      const [current] = keys()
      if (!current) throw new Error('there is no key to seal positions with')
      return blockOf(current).textOf(position)
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

/** Hands out texts of a position one by one. Processes count from numbers of their own, so their texts differ too. */
function sealedTexts(encrypt: Cipheriv): (position: bigint) => string {
  const block = Buffer.alloc(BLOCK_BYTES)
  const blocks = Buffer.alloc(TEXTS_MAX * BLOCK_BYTES)
  let counter = randomInt(COUNTER_END)
  let sealed = Buffer.alloc(0)
  let sealedPosition: bigint | undefined
  let at = 0
  return (position) => {
    if (position !== sealedPosition || at === sealed.length) {
      block.writeBigUInt64BE(position)
      blocks.fill(block)
      for (let start = 0; start < blocks.length; start += BLOCK_BYTES) {
        counter = (counter + 1) % COUNTER_END
        blocks.writeUInt32BE(counter, start + COUNTER_AT)
      }
      sealed = encrypt.update(blocks)
      sealedPosition = position
      at = 0
    }
    at += BLOCK_BYTES
    return sealed.toString('base64url', at - BLOCK_BYTES, at)
  }
}
