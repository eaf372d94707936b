/**
 * A Merkle tree that grows leaf by leaf and can be asked for its root at any time (RFC 6962, section 2.1, SHA-256). It
 * keeps one node per level: the log may be as long as it likes.
 */
import { createHash } from 'node:crypto'
import type { RawEvent } from './raw-log.ts'

const LEAF = Buffer.from([0])
const NODE = Buffer.from([1])

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/**
 * Everything that an event is, each part with its length before it: id, stream, revision, time, content type, type,
 * data, metadata. Its place in the log is its place in the tree.
 */
export function leafOf(event: RawEvent): Buffer {
  const hash = createHash('sha256').update(LEAF)
  const texts = [event.id, event.stream, `${event.revision}`, event.created, event.contentType, event.type]
  for (const part of [...texts, event.data, event.metadata]) hash.update(`${Buffer.byteLength(part)}:`).update(part)
  return hash.digest()
}

/** A tree so far: its leaves' number and the roots of its full subtrees, the largest first. */
export interface MerkleState {
  count: bigint
  subtrees: readonly Buffer[]
}

export interface MerkleTree {
  add(leaf: Buffer): void
  state(): MerkleState
  count(): bigint
  /** Hex; of the empty tree the hash of nothing. */
  root(): string
}

/** An empty tree, or one that is taken up again. */
export function createMerkleTree(from: MerkleState = { count: 0n, subtrees: [] }): MerkleTree {
  /** Roots of full subtrees, the largest first; their sizes are the ones of the count in binary. */
  const subtrees = [...from.subtrees]
  let { count } = from
  return {
    add(leaf) {
      let node = leaf
      for (let rest = count; rest & 1n; rest >>= 1n) node = sha256(NODE, subtrees.pop()!, node)
      subtrees.push(node)
      count += 1n
    },
    state: () => ({ count, subtrees: [...subtrees] }),
    count: () => count,
    root() {
      const [last, ...larger] = [...subtrees].reverse()
      if (!last) return sha256().toString('hex')
      return larger.reduce((right, left) => sha256(NODE, left, right), last).toString('hex')
    },
  }
}
