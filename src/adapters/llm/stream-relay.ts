/**
 * A stream on its way from provider to client, in the same format or in the other. What has no content is held back, so that a
 * provider which fails before it has said anything can be replaced without the client noticing.
 */
import type { Format } from './call-scan.ts'
import { errorFrame } from './error-shapes.ts'
import { BrokenStream, FRAME_MAX_BYTES, type Frame, FrameSplitter } from './frames.ts'
import { createStreamReader, type Reading, type StreamReader } from './stream-reader.ts'
import { createAnthropicFrames } from './stream-to-anthropic.ts'
import { createOpenAiFrames } from './stream-to-openai.ts'

export interface RelayOptions {
  /** The provider's format. */
  from: Format
  /** The client's. */
  to: Format
  /** OpenAI: whether the client asked for usage at the end. */
  wantsUsage: boolean
  /** The model that serves, as translated frames name it. */
  model: string
  /** Unix time in seconds, as translated chunks carry it. */
  createdS: number
  frameMaxBytes?: number
}

/** Makes the client's frames of the provider's. */
export interface FrameTranslator {
  translate(reading: Reading, frame: Frame, reader: StreamReader): Buffer[]
}

export type StreamFailureKind = 'empty_stream' | 'first_events_error' | 'stream_processing_error' | 'mid_stream_error'

/** The data of a format's last frame. */
const END = /^\s*(?:\[DONE\]|\{\s*"type"\s*:\s*"message_stop"\s*\})\s*$/

export class StreamRelay {
  /** Usage, bytes delivered and the reason of the end, as the provider tells. */
  readonly reader: StreamReader
  /** Whether content was handed out: from then on nobody else can serve this call. */
  hasContent = false
  /** Whether the stream ended as its format says. */
  isComplete = false
  private readonly to: Format
  private readonly splitter: FrameSplitter
  private readonly translator: FrameTranslator
  private held: Buffer[] = []
  private heldBytes = 0
  private broken: BrokenStream | undefined

  constructor(options: RelayOptions) {
    const { from, to, frameMaxBytes = FRAME_MAX_BYTES } = options
    this.to = to
    this.reader = createStreamReader(from)
    this.splitter = new FrameSplitter(frameMaxBytes)
    this.translator = translatorFor(options)
  }

  /**
   * What the client gets for this piece of the provider's stream; often nothing. Throws BrokenStream. Where a client has content
   * already, what came before the break is handed out first, and `isBroken` says that nothing comes after it.
   */
  push(chunk: Buffer): Buffer[] {
    if (this.broken) throw this.broken
    if (this.isComplete) return []
    const hadContent = this.hasContent
    const out: Buffer[] = []
    try {
      for (const frame of this.splitter.push(chunk)) {
        if (this.isComplete) break
        this.handOut(frame, out)
      }
      return out
    } catch (error) {
      if (!(error instanceof BrokenStream)) throw error
      this.broken = error
      // Nothing of this piece reached the client, so somebody else can still serve it.
      this.hasContent = hadContent
      if (hadContent && out.length > 0) return out
      throw error
    }
  }

  get isBroken(): boolean {
    return this.broken !== undefined
  }

  /**
   * To be called at the end of the provider's stream: what the client still gets. Throws BrokenStream where it was not complete.
   * Servers exist that leave out the blank line behind the frame which ends it.
   */
  end(): Buffer[] {
    if (this.broken) throw this.broken
    if (this.isComplete) return []
    const { begun } = this.splitter
    if (begun?.data !== undefined && END.test(begun.data)) {
      const out: Buffer[] = []
      this.handOut(begun, out)
      return out
    }
    const isEmpty = !this.hasContent && this.heldBytes === 0 && !this.splitter.isInFrame
    throw isEmpty
      ? new BrokenStream('empty', 'The provider’s stream had nothing in it.')
      : new BrokenStream('cut', 'The provider’s stream ended before it was complete.')
  }

  /** How the failure counts. */
  kindOf({ reason }: BrokenStream): StreamFailureKind {
    if (this.hasContent) return 'mid_stream_error'
    if (reason === 'empty') return 'empty_stream'
    return reason === 'unreadable' ? 'stream_processing_error' : 'first_events_error'
  }

  /** The last frame for a client whose stream broke after content; the connection ends after it. */
  brokenFrame(message: string): Buffer {
    return Buffer.from(errorFrame(this.to, message))
  }

  private handOut(frame: Frame, out: Buffer[]): void {
    const reading = this.reader.read(frame)
    const frames = this.translator.translate(reading, frame, this.reader)
    if (reading.kind === 'content') this.hasContent = true
    if (reading.kind === 'end') this.finish()
    if (!this.hasContent && !this.isComplete) this.hold(frames)
    else out.push(...this.released(), ...frames)
  }

  private finish(): void {
    if (!this.hasContent && this.reader.finishReason === undefined) {
      throw new BrokenStream('empty', 'The provider’s stream ended without an answer.')
    }
    this.isComplete = true
  }

  private hold(frames: Buffer[]): void {
    this.held.push(...frames)
    this.heldBytes += frames.reduce((sum, { length }) => sum + length, 0)
    if (this.heldBytes > FRAME_MAX_BYTES)
      throw new BrokenStream('unreadable', 'The provider sent no content for too long.')
  }

  private released(): Buffer[] {
    const released = this.held
    this.held = []
    this.heldBytes = 0
    return released
  }
}

function translatorFor({ from, to, wantsUsage, model, createdS }: RelayOptions): FrameTranslator {
  if (from === to) {
    // The chunk with the usage is only there because it was asked for on the way.
    return { translate: ({ kind }, { bytes }) => (kind === 'usage' && !wantsUsage ? [] : [bytes]) }
  }
  return to === 'openai' ? createOpenAiFrames({ wantsUsage, model, createdS }) : createAnthropicFrames({ model })
}
