/**
 * One port for gRPC and for plain HTTP, as on a real node: the first bytes of a connection tell HTTP/2 with prior
 * knowledge from an HTTP/1.1 request, and each goes to its own server.
 */
import http from 'node:http'
import net from 'node:net'
import { type Server, ServerCredentials } from '@grpc/grpc-js'

const HTTP2_PREFACE = 'PRI'

export type Listener = {
  port: number
  /** Accepts no further connection; resolves once the last one has ended. */
  stop: () => Promise<void>
  /** Ends the connections that are left. */
  cut: () => void
}

/** Who serves a connection: the first server those who need name nothing, the other all others. */
export type Reception = { trusted: Server; others: Server; isTrusted: (socket: net.Socket) => boolean }

/** Listens, and hands each connection to gRPC or to the HTTP handler. Resolves once the port is open. */
export async function listen(
  { trusted, others, isTrusted }: Reception,
  httpHandler: http.RequestListener,
  address: { host: string; port: number },
): Promise<Listener> {
  const injectorOf = (server: Server) => server.createConnectionInjector(ServerCredentials.createInsecure())
  const injectors = { trusted: injectorOf(trusted), others: trusted === others ? undefined : injectorOf(others) }
  const httpServer = http.createServer(httpHandler)
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A connection that breaks concerns its client alone; the call that it carried ends with it.
    socket.on('error', () => socket.destroy())
    socket.once('data', (first: Buffer) => {
      socket.pause()
      socket.unshift(first)
      const isHttp2 = HTTP2_PREFACE.startsWith(first.subarray(0, 3).toString('latin1'))
      const injector = injectors.others === undefined || isTrusted(socket) ? injectors.trusted : injectors.others
      if (isHttp2) injector.injectConnection(socket)
      else httpServer.emit('connection', socket)
      if (!isHttp2) socket.resume()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as net.AddressInfo
  const stop = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
    httpServer.close()
  }
  return { port, stop, cut }
}
