/**
 * A process that serves something else first, as an instance does with the engine's order entry, and only then loads the
 * routes of files. It downloads a file twice over one connection, and prints what came.
 */
import { hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { defaultServerOptions, startServer } from '../../../../src/http/server.ts'

const DOWNLOADS = 2
const bytes = randomBytes(100_000)
const fetch = () => new Response('something else')
const earlier = await startServer({ ...defaultServerOptions, fetch, host: '127.0.0.1', port: 0 })
const { startObjectServer } = await import('./object-server.ts')
const server = await startObjectServer()

const contentType = 'image/png'
const key = 'files/live/org_1/door'
await server.objects.write(key, bytes, { contentType, sha256: hash('sha256', bytes, 'hex') })
const expiresAt = new Date(server.clock().getTime() + 60_000)
const url = server.objects.getLink({ key, contentType, filename: 'door.png', expiresAt })

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const seen: object[] = []
for (let download = 0; download < DOWNLOADS; download++) {
  const request = get(url, { agent })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let received = 0
  for await (const chunk of response) received += chunk.length
  seen.push({ status: response.statusCode, bytes: received, isReused: request.reusedSocket })
}
agent.destroy()
await Promise.all([server.stop(), earlier.stop(100)])
console.log(JSON.stringify(seen))
