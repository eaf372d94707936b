/** Sends an answer, and does to it on the way what was ordered. */
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from './control.ts'

/** How it ended: `client_left` where the client did not wait. */
export type Outcome = 'complete' | 'error' | 'client_left' | 'hung' | 'stalled' | 'reset' | 'cut' | 'broken' | 'empty'

export interface Stream {
  /** With their blank lines. */
  frames: readonly string[]
  /** How many of the last ones only end the stream. */
  endFrames: number
  errorFrame: string
}

const STREAM_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }

class Left extends Error {}

export async function deliverWhole(response: ServerResponse, body: string, fault: Fault): Promise<Outcome> {
  return watched(response, async (signal) => {
    if (!(await begin(response, fault, signal))) return fault.hang ? 'hung' : 'reset'
    const headers = { 'content-type': 'application/json', 'x-request-id': 'req_simulated' }
    const text = fault.empty ? '' : fault.brokenJson ? body.slice(0, -2) : body
    if (fault.stall || fault.reset || fault.cut) {
      response.writeHead(200, { ...headers, 'content-length': String(Buffer.byteLength(text)) })
      await write(response, Buffer.from(text).subarray(0, Math.floor(text.length / 2)), fault, signal)
      if (fault.stall) return untilLeft(signal, 'stalled')
      response.destroy()
      return fault.cut ? 'cut' : 'reset'
    }
    if (fault.pieceBytes) {
      response.writeHead(200, headers)
      await write(response, Buffer.from(text), fault, signal)
      response.end()
    } else {
      const bytes = Buffer.from(text)
      response.writeHead(200, { ...headers, 'content-length': String(bytes.length) })
      response.end(bytes)
    }
    return fault.empty ? 'empty' : fault.brokenJson ? 'broken' : 'complete'
  })
}

export async function deliverStream(response: ServerResponse, stream: Stream, fault: Fault): Promise<Outcome> {
  return watched(response, async (signal) => {
    if (!(await begin(response, fault, signal))) return fault.hang ? 'hung' : 'reset'
    response.writeHead(200, { ...STREAM_HEADERS, 'x-request-id': 'req_simulated' })
    const { frames, endFrames, errorFrame } = stream
    const stop = [fault.stall, fault.reset, fault.cut, fault.errorEvent, fault.brokenJson].find(
      (part) => part !== undefined,
    )
    const last = Math.min(stop?.afterFrames ?? frames.length, frames.length - (stop ? endFrames : 0))
    if (fault.empty) {
      response.end()
      return 'empty'
    }
    // A burst goes out as one write, as a server does whose model is done.
    if (!fault.frameDelayMs && !fault.pieceBytes)
      await write(response, Buffer.from(frames.slice(0, last).join('')), fault, signal)
    else
      for (const frame of frames.slice(0, last)) {
        if (fault.frameDelayMs) await delay(fault.frameDelayMs, undefined, { signal })
        await write(response, Buffer.from(frame), fault, signal)
      }
    if (fault.stall) {
      response.flushHeaders()
      return untilLeft(signal, 'stalled')
    }
    if (fault.reset) {
      // The connection breaks in the middle of the body, after what was written has gone out.
      response.destroy()
      return 'reset'
    }
    if (fault.errorEvent) await write(response, Buffer.from(errorFrame), fault, signal)
    if (fault.brokenJson) await write(response, Buffer.from('data: {"broken\n\n'), fault, signal)
    response.end()
    return fault.cut ? 'cut' : fault.errorEvent ? 'error' : fault.brokenJson ? 'broken' : 'complete'
  })
}

/** False where nothing is to be sent at all. */
async function begin(response: ServerResponse, fault: Fault, signal: AbortSignal): Promise<boolean> {
  if (fault.delayMs) await delay(fault.delayMs, undefined, { signal })
  if (fault.hang) {
    await untilLeft(signal, 'hung')
    return false
  }
  if (fault.reset?.afterFrames !== 0) return true
  response.socket?.resetAndDestroy()
  return false
}

async function write(
  response: ServerResponse,
  bytes: Buffer,
  { pieceBytes, pieceDelayMs }: Fault,
  signal: AbortSignal,
): Promise<void> {
  const size = pieceBytes ?? Math.max(1, bytes.length)
  for (let at = 0; at < bytes.length; at += size) {
    if (pieceDelayMs && at > 0) await delay(pieceDelayMs, undefined, { signal })
    // Pieces are to arrive as pieces, and a slow reader holds the sender.
    await written(response, bytes.subarray(at, at + size))
    if (signal.aborted) throw new Left()
  }
}

/** Once the bytes are with the network. Rejects with Left where the client is gone. */
function written(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(bytes, (error) => (error ? reject(new Left()) : resolve()))
  })
}

/** Runs until the client leaves, if it does. */
async function watched(response: ServerResponse, work: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
  const leaving = new AbortController()
  const leave = () => {
    if (!response.writableFinished) leaving.abort()
  }
  response.once('close', leave)
  try {
    return await work(leaving.signal)
  } catch (error) {
    if (leaving.signal.aborted || error instanceof Left) return 'client_left'
    throw error
  } finally {
    response.off('close', leave)
  }
}

function untilLeft(signal: AbortSignal, outcome: Outcome): Promise<Outcome> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(outcome)
    signal.addEventListener('abort', () => resolve(outcome), { once: true })
  })
}
