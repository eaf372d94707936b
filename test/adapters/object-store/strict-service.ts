/**
 * A service in front of another that refuses what services other than AWS refuse: checksums that they do not know (501 at R2
 * and older ones), bodies in signed chunks, and a PUT without a length (411). It notes what it was asked.
 */
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

export interface AskedOfService {
  method: string
  path: string
  headers: IncomingHttpHeaders
}

const UNKNOWN = /^x-amz-(checksum-|sdk-checksum-|trailer$|decoded-content-length$)/

/** The status with which it refuses the request. */
export function refusalOf({ method, path, headers }: AskedOfService): number | undefined {
  const names = [...Object.keys(headers), ...new URL(path, 'http://x').searchParams.keys()].map((name) =>
    name.toLowerCase(),
  )
  if (names.some((name) => UNKNOWN.test(name))) return 501
  if (/aws-chunked/i.test(headers['content-encoding'] ?? '')) return 501
  if (/^STREAMING-/.test(String(headers['x-amz-content-sha256'] ?? ''))) return 501
  return method === 'PUT' && headers['content-length'] === undefined ? 411 : undefined
}

export async function startStrictService(endpoint: string) {
  const asked: AskedOfService[] = []
  const server = createServer(async (incoming, outgoing) => {
    const { method = '', url: path = '', headers } = incoming
    asked.push({ method, path, headers })
    const status = refusalOf({ method, path, headers })
    if (status !== undefined) return void outgoing.writeHead(status).end()
    const onward = request(new URL(path, endpoint), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      pipeline(answer, outgoing).catch(() => outgoing.destroy())
    })
    await pipeline(incoming, onward).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    asked,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
