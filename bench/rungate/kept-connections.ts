/**
 * Requests over kept connections, at a fraction of what an HTTP client takes: load shares the processors with what is measured,
 * and what it takes is missing there. Knows no more of HTTP than the servers of this suite send.
 */
import { connect, type Socket } from 'node:net'

export interface KeptConnections {
  /**
   * Sends the text, which is a whole request, and resolves with the whole answer: its head, and its body as it came (chunks with
   * their sizes). `onPart` sees what is there so far, each time that more has come. Rejects where the connection ends before.
   */
  ask(request: string, onPart?: (text: string) => void): Promise<string>
}

/** A server may close a connection that has been idle for 5 s; none is used any more that comes near that. */
const IDLE_MAX_MS = 2_000
const HEAD_END = '\r\n\r\n'
/** Its server ends the connection behind this answer. */
const CLOSES = /^connection: *close/im
const LAST_CHUNK = '\r\n0\r\n'

const kept = new Map<string, KeptConnections>()

/** Those of the server, whoever asks. */
export function keepConnections(url: URL): KeptConnections {
  const known = kept.get(url.host) ?? connectionsTo(url)
  kept.set(url.host, known)
  return known
}

function connectionsTo({ hostname, port }: URL): KeptConnections {
  const idle: { socket: Socket; sinceMs: number }[] = []

  function take(): Socket {
    for (let last = idle.pop(); last; last = idle.pop()) {
      if (!last.socket.destroyed && performance.now() - last.sinceMs < IDLE_MAX_MS) return last.socket
      last.socket.destroy()
    }
    const socket = connect({ host: hostname, port: Number(port), noDelay: true }).setEncoding('latin1')
    // What breaks while it is idle is destroyed by that, and is not used again.
    return socket.on('error', () => undefined)
  }

  return {
    ask: (request, onPart) =>
      new Promise((resolve, reject) => {
        const socket = take()
        let text = ''
        const end = () => {
          socket.off('data', read).off('close', broken).off('error', broken)
        }
        const broken = (error: unknown) => {
          end()
          reject(
            error instanceof Error
              ? error
              : new Error(`${hostname}:${port} ended the connection within an answer: ${text}`),
          )
        }
        const read = (part: string) => {
          text += part
          onPart?.(text)
          if (!isWhole(text)) return
          end()
          if (CLOSES.test(text)) socket.destroy()
          else idle.push({ socket, sinceMs: performance.now() })
          resolve(text)
        }
        socket.on('data', read).on('close', broken).on('error', broken)
        socket.write(request, 'latin1')
      }),
  }
}

/** By its length, or by its last chunk and what stands behind that. */
function isWhole(text: string): boolean {
  const headEnds = text.indexOf(HEAD_END)
  if (headEnds < 0) return false
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headEnds)) ?? []
  if (length !== undefined) return text.length >= headEnds + HEAD_END.length + Number(length)
  return text.endsWith(HEAD_END) && text.includes(LAST_CHUNK, headEnds)
}
