import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createMerkleTree } from '../../src/audit/merkle.ts'
import { createSeenSet } from '../../src/audit/seen-set.ts'

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

/** MTH of RFC 6962, section 2.1, as it is written there, over leaves that are hashed already. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256()
  if (leaves.length === 1) return leaves[0]!
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256(Buffer.from([1]), treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

test('the growing tree has the root that the definition gives, at every size', () => {
  const leaves = Array.from({ length: 130 }, () => randomBytes(32))
  const tree = createMerkleTree()
  for (let size = 0; size <= leaves.length; size++) {
    expect(tree.root(), `${size} leaves`).toBe(treeHash(leaves.slice(0, size)).toString('hex'))
    expect(tree.count()).toBe(BigInt(size))
    if (size < leaves.length) tree.add(leaves[size]!)
  }
})

test('a text is seen from its second time on, through every growth', () => {
  const set = createSeenSet()
  const texts = Array.from({ length: 200_000 }, (_, index) => `stream-${index % 7} ${index}`)
  expect(texts.filter((text) => set.seen(text))).toEqual([])
  expect(texts.filter((text) => !set.seen(text))).toEqual([])
})

test('no two ids are taken for one because a hash is alike in both its halves', () => {
  // Found among two million random ids, with two FNV hashes of which the second one began with the first.
  const pairs = [
    ['5791cfb4-b1c5-419d-a2b8-4f94176dac12', '0bf2bca7-844d-471b-8748-dc31264dd835'],
    ['acbe6324-98d2-44da-b91f-79c7a91233ec', 'a2f56684-e6b5-4064-995c-b8509d13ddab'],
  ] as const
  for (const [one, other] of pairs) {
    const set = createSeenSet()
    expect([set.seen(one), set.seen(other), set.seen(one), set.seen(other)]).toEqual([false, false, true, true])
  }
})
