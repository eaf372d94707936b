/**
 * Free TCP ports on the loopback interface, for services that cannot pick one themselves. A port found free may be
 * taken before the service binds it, so whoever starts such a service has to be ready to try again with another.
 */
import { createServer } from 'node:net'

export const loopbackHost = '127.0.0.1'

/** A port that nothing listened on a moment ago. */
export function freePort(): Promise<number> {
  return listenOnce(0)
}

/** Whether the port could be bound on the loopback interface just now. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EADDRINUSE' || code === 'EACCES') return false
    throw error
  }
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: loopbackHost, port, exclusive: true }, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      server.close((error) => (error ? reject(error) : resolve(bound)))
    })
  })
}
