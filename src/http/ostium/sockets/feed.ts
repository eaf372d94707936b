/**
 * One stream of prices for many clients. A tick becomes bytes once, and nobody waits for anybody: who does not take what is
 * sent gets no more until there is room, then the latest tick of each feed; who stays so is closed.
 */
import type { Tick } from '../../../processes/ostium/tick.ts'
import type { ServerSocket } from '../../socket.ts'

export interface FeedLimits {
  /** Bytes that wait for a client before it is held. */
  bufferMaxBytes: number
  /** How long it may stay so. */
  stallMaxMs: number
  /** An older tick is not shown to newcomers. */
  silenceMaxMs: number
  nowMs: () => number
}

type Bytes = Uint8Array<ArrayBuffer>

interface Client {
  socket: ServerSocket
  /** The latest text of each feed, while it is held; undefined: it is not. */
  held: Map<string, Bytes> | undefined
  sinceMs: number
}

export interface Feed {
  /** Shows the client what is current, and then everything that comes, until what is returned is called. */
  add(socket: ServerSocket): () => void
  publish(tick: Tick): void
  /** The source is gone: clients hear of it once, until prices come again. */
  interrupt(): void
  /** Looks after those that are held: to be called now and then. */
  tend(): void
  clients(): number
  held(): number
}

/** Closed because the client does not keep up (RFC 6455, "try again later"). */
const TRY_AGAIN_LATER = 1013
const DISCONNECTED: Bytes = Buffer.from(JSON.stringify({ type: 'error', message: 'Upstream disconnected' }))

export function createFeed({ bufferMaxBytes, stallMaxMs, silenceMaxMs, nowMs }: FeedLimits): Feed {
  const clients = new Set<Client>()
  const latest = new Map<string, { text: Bytes; atMs: number }>()
  let isInterrupted = false

  function send(client: Client, feedId: string, text: Bytes): void {
    if (!client.held && client.socket.bufferedBytes() <= bufferMaxBytes) {
      client.socket.send(text, true)
      return
    }
    if (!client.held) {
      client.held = new Map()
      client.sinceMs = nowMs()
    }
    client.held.set(feedId, text)
  }

  function release(client: Client): void {
    const { held = new Map<string, Bytes>() } = client
    client.held = undefined
    for (const text of held.values()) client.socket.send(text, true)
  }

  return {
    add(socket) {
      const client: Client = { socket, held: undefined, sinceMs: 0 }
      clients.add(client)
      if (!isInterrupted) {
        const sinceMs = nowMs() - silenceMaxMs
        for (const { text, atMs } of latest.values()) if (atMs >= sinceMs) socket.send(text, true)
      }
      return () => void clients.delete(client)
    },
    publish(tick) {
      isInterrupted = false
      const text: Bytes = Buffer.from(JSON.stringify(tick))
      latest.set(tick.feed_id, { text, atMs: nowMs() })
      for (const client of clients) send(client, tick.feed_id, text)
    },
    interrupt() {
      if (isInterrupted) return
      isInterrupted = true
      // Not by a feed's name: what it says is not replaced by a price.
      for (const client of clients) send(client, '', DISCONNECTED)
    },
    tend() {
      for (const client of clients) {
        if (!client.held) continue
        if (client.socket.bufferedBytes() <= bufferMaxBytes) release(client)
        else if (nowMs() - client.sinceMs >= stallMaxMs) {
          clients.delete(client)
          client.socket.close(TRY_AGAIN_LATER, 'too slow')
        }
      }
    },
    clients: () => clients.size,
    held: () => [...clients].filter(({ held }) => held !== undefined).length,
  }
}
