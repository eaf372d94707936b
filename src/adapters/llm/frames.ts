/**
 * Server-sent events as bytes: a stream is cut into its frames wherever the network has cut it, in the middle of a character
 * or of a line end too. A frame keeps its bytes, so that one that is passed on is passed on as it came.
 */

export interface Frame {
  /** With the blank line that ends it. */
  bytes: Buffer
  event: string | undefined
  /** Undefined for a comment or an empty frame. */
  data: string | undefined
}

/**
 * What the provider sent is no stream of its format, or ended before it was complete. `cut`: it ended too soon; `empty`:
 * nothing was in it; `refused`: the provider said so; `unreadable`: it makes no sense.
 */
export class BrokenStream extends Error {
  override name = 'BrokenStream'
  readonly reason: 'cut' | 'empty' | 'refused' | 'unreadable'
  /** The status that a provider's error event stands for. */
  readonly status: number | undefined
  constructor(reason: BrokenStream['reason'], message: string, status?: number) {
    super(message)
    this.reason = reason
    this.status = status
  }
}

/** Where its caller names no other one; the setting is PROXY_FRAME_MAX_BYTES. */
export const FRAME_MAX_BYTES = 1_048_576
const LF = 0x0a
const CR = 0x0d
const BLANK_LINE = Buffer.from('\n\n')

/** Lines end with LF or CR LF, as both formats' providers send them. */
export class FrameSplitter {
  private readonly maxBytes: number
  private pending: Buffer[] = []
  private pendingBytes = 0
  /** What the unfinished line holds so far: nothing, a CR alone, or text. */
  private line: 'empty' | 'cr' | 'text' = 'empty'

  constructor(maxBytes = FRAME_MAX_BYTES) {
    this.maxBytes = maxBytes
  }

  /** Whether bytes wait for the end of their frame. */
  get isInFrame(): boolean {
    return this.pending.some((piece) => piece.some((byte) => byte !== LF && byte !== CR))
  }

  /** The frame that has begun, as if it had ended; undefined where none has. */
  get begun(): Frame | undefined {
    return this.isInFrame ? frameOf(Buffer.concat([...this.pending, BLANK_LINE])) : undefined
  }

  /** The frames that end in the chunk. Throws BrokenStream for one that is too long. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    let frameStart = 0
    let lineStart = 0
    for (let lf = chunk.indexOf(LF); lf !== -1; lf = chunk.indexOf(LF, lineStart)) {
      const isEmpty = this.isEmptyLine(chunk, lineStart, lf)
      this.line = 'empty'
      lineStart = lf + 1
      if (!isEmpty) continue
      frames.push(frameOf(this.take(chunk.subarray(frameStart, lineStart))))
      frameStart = lineStart
    }
    if (lineStart < chunk.length) {
      const isCr = this.line === 'empty' && lineStart === chunk.length - 1 && chunk[lineStart] === CR
      this.line = isCr ? 'cr' : 'text'
    }
    if (frameStart < chunk.length) this.keep(chunk.subarray(frameStart))
    return frames
  }

  private isEmptyLine(chunk: Buffer, start: number, end: number): boolean {
    if (this.line === 'text') return false
    if (end === start) return true
    return this.line === 'empty' && end === start + 1 && chunk[start] === CR
  }

  private keep(piece: Buffer): void {
    this.pending.push(piece)
    this.pendingBytes += piece.length
    if (this.pendingBytes > this.maxBytes) {
      throw new BrokenStream('unreadable', `The provider sent a frame of more than ${this.maxBytes} bytes.`)
    }
  }

  private take(last: Buffer): Buffer {
    this.keep(last)
    const bytes = this.pending.length === 1 ? last : Buffer.concat(this.pending)
    this.pending = []
    this.pendingBytes = 0
    return bytes
  }
}

/** `data: `, of which nearly every frame has one line and nothing else. */
const DATA = 'data: '

function frameOf(bytes: Buffer): Frame {
  const end = bytes.length - 2
  if (bytes.indexOf(LF) === end && bytes[end - 1] !== CR && bytes.toString('latin1', 0, DATA.length) === DATA) {
    return { bytes, event: undefined, data: bytes.toString('utf8', DATA.length, end) }
  }
  let event: string | undefined
  let data: string | undefined
  for (const line of bytes.toString('utf8').split('\n')) {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    if (text.startsWith('data:')) {
      const value = text.slice(text[5] === ' ' ? 6 : 5)
      data = data === undefined ? value : `${data}\n${value}`
    } else if (text.startsWith('event:')) event = text.slice(6).trim()
  }
  return { bytes, event, data }
}

/** The bytes of a frame that holds this data on one line. */
export const frameBytes = (data: string, event?: string): Buffer =>
  Buffer.from(`${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`)
