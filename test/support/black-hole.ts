/** A line into a black hole: connections are taken and nothing is ever said on them, as behind a dead host or a stuck proxy. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface BlackHole {
  port: number
  /** New connections reach the target from now on; those from before stay as silent as they were, and open. */
  end(): void
  close(): Promise<void>
}

/** In front of a port on this machine. */
export async function startBlackHole(targetPort: number): Promise<BlackHole> {
  let isOver = false
  const sockets = new Set<Socket>()
  const hold = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((near) => {
    hold(near)
    near.on('error', () => near.destroy())
    if (!isOver) return void near.resume()
    const far = connect(targetPort, '127.0.0.1')
    hold(far)
    far.on('error', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    end: () => {
      isOver = true
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
