/**
 * The same request, whatever spaces, key order and escapes it is written with: an approval holds for what was asked, not for
 * how it was spelled.
 */
import { createHash, type Hash } from 'node:crypto'
import { type CallScan, isGovernance } from './call-scan.ts'
import type { JsonValue } from './json-value.ts'

/** How the answer is delivered changes nothing in what is asked. */
const DELIVERY = new Set(['stream', 'stream_options'])

/** SHA-256 in hex of the request's canonical text, without governance members and the wish for a stream. */
export function fingerprintOf({ members }: CallScan): string {
  const hash = createHash('sha256')
  addMembers(
    hash,
    members.filter(({ key }) => !DELIVERY.has(key) && !isGovernance(key)),
  )
  return hash.digest('hex')
}

function addMembers(hash: Hash, members: readonly { key: string; value: JsonValue }[]): void {
  let opening = '{'
  for (const { key, value } of members.toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
    hash.update(`${opening}${JSON.stringify(key)}:`)
    add(hash, value)
    opening = ','
  }
  hash.update(opening === '{' ? '{}' : '}')
}

/** Numbers count as they are written: 1.0 may reach a tool as another value than 1. */
function add(hash: Hash, value: JsonValue): void {
  switch (value.kind) {
    case 'object':
      addMembers(hash, value.entries())
      return
    case 'array':
      hash.update('[')
      for (const item of value.items()) {
        add(hash, item)
        hash.update(',')
      }
      hash.update(']')
      return
    case 'string': {
      // Without escapes the bytes are the text.
      const isPlain = value.end - value.start - 2 === value.size
      hash.update(isPlain ? value.raw : JSON.stringify(value.text))
      return
    }
    default:
      hash.update(value.raw)
  }
}
