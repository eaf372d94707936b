#!/usr/bin/env node
// Checks an export of `opslog audit export`, needing nothing but Node: node verify-export.mjs FILE [PUBLIC KEY]
// Every event's hash, the chains of the streams, and the seals in it, where the export holds all that they seal.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

const [file, trusted] = process.argv.slice(2)
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const framed = (parts) => parts.flatMap((part) => [`${Buffer.byteLength(part)}:`, part])
const bytes = (value) => ('text' in value ? Buffer.from(value.text) : Buffer.from(value.base64, 'base64'))
const roots = [] // of full subtrees, the largest first
const ends = new Map() // stream -> revision and hash of its last event
const rootAt = new Map() // position -> number and root of all events up to it; kept for the last events only
let faults = 0,
  events = 0,
  leaves = 0,
  seals = 0,
  compared = 0
const fault = (line, text) => {
  faults++
  console.log(`${line.stream} revision ${line.revision} (position ${line.position}): ${text}`)
}
function checkSeal(line, seal) {
  seals++
  const key = createPublicKey({ key: Buffer.from(seal.publicKey, 'base64'), format: 'der', type: 'spki' })
  const stated = Buffer.from(`${seal.position}\n${seal.events}\n${seal.root}\n`)
  if (trusted && seal.publicKey !== trusted) fault(line, 'the seal is of another key')
  if (!verify(null, stated, key, Buffer.from(seal.signature, 'base64'))) fault(line, 'the seal is not genuine')
  const at = rootAt.get(seal.position)
  if (`${at?.count}` !== seal.events) return // part of the log only
  compared++
  if (at.root !== seal.root) fault(line, 'the events before the seal are not those sealed')
}
for await (const text of createInterface({ input: createReadStream(file) })) {
  const line = JSON.parse(text),
    data = bytes(line.data),
    metadata = bytes(line.metadata)
  const [, hash] = /,"hash":"([0-9a-f]{64})"\}$/.exec(metadata.toString('latin1')) ?? []
  events++
  if (line.leaf === null) continue // heartbeats
  const { prevHash } = JSON.parse(metadata.toString())
  const unsealed = Buffer.concat([metadata.subarray(0, -75), Buffer.from('}')])
  if (sha256(...framed([prevHash, line.type, data, unsealed])).toString('hex') !== hash)
    fault(line, 'not what was hashed')
  const end = ends.get(line.stream)
  if (end && end.revision + 1n !== BigInt(line.revision)) fault(line, `follows revision ${end.revision}`)
  if (end ? end.hash !== prevHash : line.revision === '0' && prevHash !== '') fault(line, 'the chain is broken')
  ends.set(line.stream, { revision: BigInt(line.revision), hash })
  let leaf = sha256(
    '\0',
    ...framed([line.id, line.stream, line.revision, line.created, line.contentType, line.type, data, metadata]),
  )
  if (leaf.toString('hex') !== line.leaf) fault(line, 'the leaf is another')
  if (line.type === 'opslog.LogSealed.v1') checkSeal(line, JSON.parse(data.toString()))
  for (let rest = leaves++; rest & 1; rest >>= 1) leaf = sha256('\x01', roots.pop(), leaf)
  roots.push(leaf)
  const root = roots.reduceRight((right, left) => sha256('\x01', left, right)).toString('hex')
  rootAt.set(line.position, { count: leaves, root })
  if (rootAt.size > 100_000) rootAt.delete(rootAt.keys().next().value)
}
console.log(
  `${events} events, ${ends.size} streams, ${compared} of ${seals} seals compared: ${faults === 0 ? 'whole' : `${faults} faults`}`,
)
process.exitCode = faults === 0 ? 0 : 1
