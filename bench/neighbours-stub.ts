/**
 * What the attacker of the neighbours suite sends to in the control: a server that refuses every request at once. It costs
 * what a process costs that reads and answers, and nothing of opslog.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  const hasBody = (request.headers['content-length'] ?? '0') !== '0'
  response.writeHead(429, { 'content-length': '0', ...(hasBody && { connection: 'close' }) }).end()
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`refuses at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.once('SIGTERM', () => {
  server.closeAllConnections()
  server.close()
})
