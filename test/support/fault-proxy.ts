/**
 * A TCP proxy that stands between a process and a service and does to the line what networks do: delay, reset, cut, and
 * the worst of them, to carry a request and lose its answer. It knows nothing of what it carries but its bytes.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface FaultProxy {
  port: number
  /** The target's URL with the proxy in its place. */
  url: string
  /** Delays every piece, in both directions. */
  slow(latencyMs: number): void
  /** Lets so many bytes through in a second, in each direction of each connection. */
  limit(bytesPerSecond: number): void
  /** Requests still get through; nothing comes back on the connections that there are. */
  deafen(): void
  /** Requests still get through; what comes back waits until the line is mended. */
  hold(): void
  /**
   * The first piece that holds this text still gets through; from then on nothing comes back on that connection.
   * Resolves when it has passed. One at a time.
   */
  loseAnswerTo(text: string): Promise<void>
  /** Breaks every connection, as a service that restarts does; new ones can be made. */
  reset(): void
  /** Breaks every connection and refuses new ones. */
  cut(): void
  /** The line is as it should be again; connections whose answers were lost are broken. */
  mend(): void
  /** How many connections have been made so far. */
  connections(): number
  close(): Promise<void>
}

interface Line {
  near: Socket
  far: Socket
  /** Its answers are thrown away. */
  deaf: boolean
}

/** Bytes kept of the piece before, so that a text is found across two. */
const OVERLAP_BYTES = 256

export async function startFaultProxy(target: string, defaultPort = 5432): Promise<FaultProxy> {
  const { hostname, port } = new URL(target)
  const lines = new Set<Line>()
  let latencyMs = 0
  let bytesPerSecond = Number.POSITIVE_INFINITY
  let open = true
  let made = 0
  let awaited: { text: string; passed: () => void } | undefined

  const breakLine = (line: Line) => {
    lines.delete(line)
    for (const socket of [line.near, line.far]) socket.resetAndDestroy()
  }
  const breakAll = () => {
    for (const line of lines) breakLine(line)
  }
  /** The sender waits while a piece takes its time through a narrow line; order is kept, as the delay is the same for all. */
  const pass = (from: Socket, to: Socket, piece: Buffer) => {
    const narrowMs = (piece.length / bytesPerSecond) * 1_000
    if (narrowMs > 0) {
      from.pause()
      setTimeout(() => from.resume(), narrowMs)
    }
    if (latencyMs === 0) to.write(piece)
    else setTimeout(() => to.destroyed || to.write(piece), latencyMs)
  }
  const accept = (near: Socket) => {
    if (!open) return void near.resetAndDestroy()
    made += 1
    const line: Line = { near, far: connect(Number(port || defaultPort), hostname), deaf: false }
    lines.add(line)
    let before = Buffer.alloc(0)
    near.on('data', (piece) => {
      const seen = Buffer.concat([before, piece])
      before = seen.subarray(-OVERLAP_BYTES)
      if (awaited && seen.includes(awaited.text)) {
        line.deaf = true
        awaited.passed()
        awaited = undefined
      }
      pass(near, line.far, piece)
    })
    line.far.on('data', (piece) => {
      if (!line.deaf) pass(line.far, near, piece)
    })
    for (const [one, other] of [
      [near, line.far],
      [line.far, near],
    ] as const) {
      // A broken line shows at the other end as its own close.
      one.on('error', () => one.destroy())
      one.on('close', () => {
        lines.delete(line)
        if (latencyMs === 0) other.end()
        else setTimeout(() => other.end(), latencyMs)
      })
    }
  }
  const server = createServer(accept)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    port: Number(url.port),
    url: url.href,
    slow(ms) {
      latencyMs = ms
    },
    limit(bytes) {
      bytesPerSecond = bytes
    },
    deafen() {
      for (const line of lines) line.deaf = true
    },
    hold() {
      for (const line of lines) line.far.pause()
    },
    loseAnswerTo(text) {
      if (awaited) throw new Error(`already waiting for ${awaited.text}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      awaited = { text, passed: resolve }
      return promise
    },
    reset: breakAll,
    cut() {
      open = false
      breakAll()
    },
    mend() {
      open = true
      latencyMs = 0
      bytesPerSecond = Number.POSITIVE_INFINITY
      awaited = undefined
      for (const line of lines) {
        if (line.deaf) breakLine(line)
        else line.far.resume()
      }
    },
    connections: () => made,
    async close() {
      const closed = once(server, 'close')
      server.close()
      breakAll()
      await closed
    },
  }
}
