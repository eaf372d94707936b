// Checks an export of `opslog audit` without opslog: hashes, chains, seals. node verify-export.mjs FILE [PUBLIC KEY]
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

const [file, trusted] = process.argv.slice(2)
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const framed = (...parts) => parts.flatMap((part) => [`${Buffer.byteLength(part)}:`, part])
const bytes = (value) => ('text' in value ? Buffer.from(value.text) : Buffer.from(value.base64, 'base64'))
const roots = [] // of full subtrees, the largest first
const ends = new Map() // stream -> revision and hash of its last event
const rootAt = new Map() // position -> events up to it and their root; of the last events only
const sum = { events: 0, faults: 0, leaves: 0, seals: 0, compared: 0 }
function expect(holds, line, otherwise) {
  if (!holds) sum.faults++
  if (!holds) console.log(`${line.stream} revision ${line.revision} (position ${line.position}): ${otherwise}`)
}
function checkSeal(line, seal) {
  sum.seals++
  const key = createPublicKey({ key: Buffer.from(seal.publicKey, 'base64'), format: 'der', type: 'spki' })
  const stated = Buffer.from(`${seal.position}\n${seal.events}\n${seal.root}\n`)
  expect(!trusted || seal.publicKey === trusted, line, 'the seal is of another key')
  expect(verify(null, stated, key, Buffer.from(seal.signature, 'base64')), line, 'the seal is not genuine')
  const at = rootAt.get(seal.position)
  if (`${at?.count}` !== seal.events) return // the export holds a part of the log
  sum.compared++
  expect(at.root === seal.root, line, 'the events before the seal are not those sealed')
}
for await (const text of createInterface({ input: createReadStream(file) })) {
  const { leaf, ...line } = JSON.parse(text)
  const [data, metadata] = [bytes(line.data), bytes(line.metadata)]
  sum.events++
  if (line.type === 'opslog.HeartbeatRecorded.v1') continue // they come and go
  const { prevHash, hash } = JSON.parse(metadata.toString())
  const unsealed = Buffer.concat([metadata.subarray(0, -75), Buffer.from('}')]) // without `,"hash":"…"`
  expect(sha256(...framed(prevHash, line.type, data, unsealed)).toString('hex') === hash, line, 'not what was hashed')
  const end = ends.get(line.stream) ?? { next: line.revision, hash: line.revision === '0' ? '' : prevHash }
  expect(end.next === line.revision && end.hash === prevHash, line, 'does not follow the event before it')
  ends.set(line.stream, { next: `${BigInt(line.revision) + 1n}`, hash })
  const { id, stream, revision, created, contentType, type } = line
  let node = sha256('\0', ...framed(id, stream, revision, created, contentType, type, data, metadata))
  expect(node.toString('hex') === leaf, line, 'its leaf is another')
  if (type === 'opslog.LogSealed.v1') checkSeal(line, JSON.parse(data.toString()))
  for (let rest = sum.leaves++; rest & 1; rest >>= 1) node = sha256('\x01', roots.pop(), node)
  roots.push(node)
  const root = roots.reduceRight((right, left) => sha256('\x01', left, right)).toString('hex')
  if (rootAt.set(line.position, { count: sum.leaves, root }).size > 1e5) rootAt.delete(rootAt.keys().next().value)
}
console.log(`${sum.events} events, ${sum.compared} of ${sum.seals} seals compared, ${sum.faults} faults`)
process.exitCode = sum.faults === 0 ? 0 : 1
