/** A bare server: streams the body of each PUT to a file of its own, which is on the disk when it answers. */
import { randomUUID } from 'node:crypto'
import { createWriteStream, mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const [, , directory = '.'] = process.argv
const server = createServer((request, response) => {
  pipeline(request, createWriteStream(join(directory, randomUUID()), { flush: true })).then(
    () => response.end(),
    () => response.destroy(),
  )
})
mkdirSync(directory, { recursive: true })
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.once('SIGTERM', () => process.exit(0))
