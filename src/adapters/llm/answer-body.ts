/** The bytes of an answer, handed on as they come. A reader that is slow slows down the sender, so that little waits here. */
import type { Counted } from '../../runtime/counted.ts'
import { joined } from './joined.ts'
import { ProviderFailure } from './provider-failure.ts'

export interface AnswerFlow {
  pause(): void
  resume(): void
  /** Nobody reads on. */
  leave(): void
}

export class AnswerBody implements AsyncIterable<Buffer> {
  /** Whether the last byte has come. */
  isComplete = false
  private readonly flow: AnswerFlow
  private readonly highBytes: number
  private chunks: Buffer[] = []
  private bytes = 0
  private isPaused = false
  private failure: ProviderFailure | undefined
  private wake: (() => void) | undefined

  /** `highBytes`: from so many on the sender is held until they are taken. */
  constructor(flow: AnswerFlow, highBytes: number) {
    this.flow = flow
    this.highBytes = highBytes
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    if (this.bytes > this.highBytes && !this.isPaused) {
      this.isPaused = true
      this.flow.pause()
    }
    this.rouse()
  }

  end(): void {
    this.isComplete = true
    this.rouse()
  }

  fail(failure: ProviderFailure): void {
    this.failure = failure
    this.rouse()
  }

  /** What has come so far, as soon as there is any; undefined at the end. Rejects with ProviderFailure. */
  async read(): Promise<Buffer | undefined> {
    while (this.chunks.length === 0) {
      if (this.failure) throw this.failure
      if (this.isComplete) return undefined
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
    const chunk = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks)
    this.chunks = []
    this.bytes = 0
    if (this.isPaused) {
      this.isPaused = false
      this.flow.resume()
    }
    return chunk
  }

  /** All of it. Rejects with ProviderFailure, also where it is longer than `maxBytes`. */
  async whole(maxBytes: number, counted?: Counted): Promise<Buffer> {
    const chunks: Buffer[] = []
    let length = 0
    for (let chunk = await this.read(); chunk; chunk = await this.read()) {
      length += chunk.length
      if (length > maxBytes) {
        this.flow.leave()
        throw new ProviderFailure('network_error', `The provider’s answer has more than ${maxBytes} bytes.`)
      }
      chunks.push(chunk)
    }
    return joined(chunks, counted)
  }

  /** Leaving the loop early ends the call. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (let chunk = await this.read(); chunk; chunk = await this.read()) yield chunk
    } finally {
      if (!this.isComplete) this.flow.leave()
    }
  }

  private rouse(): void {
    this.wake?.()
    this.wake = undefined
  }
}
