/** Rotates the keys of a vault, one at a time, in a process of its own that a test may kill. */
import { createDatabase } from '../../src/postgres/database.ts'
import { createKeyRing } from '../../src/vault/key-ring.ts'
import { rotateSecretsKey } from '../../src/vault/rotation.ts'

const [url = '', current = '', previous = ''] = process.argv.slice(2)
const ring = createKeyRing({ current: Buffer.from(current, 'hex'), previous: [Buffer.from(previous, 'hex')] })
const db = createDatabase({ url, poolMax: 1 })
await rotateSecretsKey(db, ring, { batchMax: 1, onProgress: (count) => void process.stdout.write(`${count}\n`) })
await db.destroy()
