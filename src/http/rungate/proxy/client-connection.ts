/** The client's end of a call: whether it is still there, and how anything is written to it. */
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { inTurns, WRITE_BYTES } from '../../../adapters/llm/joined.ts'

export class ClientConnection {
  /** It went away before its answer was complete. */
  hasLeft = false
  private readonly outgoing: ServerResponse
  private readonly onLeave: (() => void)[] = []

  constructor(outgoing: ServerResponse) {
    this.outgoing = outgoing
    if (outgoing.destroyed) this.hasLeft = true
    else outgoing.once('close', () => this.closed())
  }

  get hasBegun(): boolean {
    return this.outgoing.headersSent
  }

  /** At once where it has left already. What it returns takes the listener away again. */
  whenLeft(listener: () => void): () => void {
    if (this.hasLeft) {
      listener()
      return () => undefined
    }
    this.onLeave.push(listener)
    return () => void this.onLeave.splice(this.onLeave.indexOf(listener), 1)
  }

  /** A whole answer. Nothing where the client has left. */
  answer(status: number, headers: Readonly<Record<string, string>>, body: Buffer | string): void {
    if (this.hasLeft || this.outgoing.headersSent) return
    const length = Buffer.byteLength(body)
    this.outgoing.writeHead(status, { ...headers, 'content-length': length })
    if (typeof body === 'string' || length <= WRITE_BYTES) this.outgoing.end(body)
    // What can go wrong is that the client leaves, which is seen where everybody's leaving is.
    else pipeline(inTurns([body]), this.outgoing, () => undefined)
  }

  begin(status: number, headers: Readonly<Record<string, string>>): void {
    if (!this.hasLeft) this.outgoing.writeHead(status, headers)
  }

  /** Resolves when the client takes more, or has left. The pieces go as one: each write costs Node three of its own. */
  write(pieces: readonly Buffer[]): Promise<void> | undefined {
    if (this.hasLeft || pieces.length === 0) return undefined
    const takesMore = this.outgoing.write(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces))
    return takesMore ? undefined : this.drained()
  }

  end(trailers: Readonly<Record<string, string>>): void {
    if (this.hasLeft) return
    this.outgoing.addTrailers(trailers)
    this.outgoing.end()
  }

  /** Resolves when all that was written is with the network, or the client has left. */
  finished(): Promise<void> {
    const { outgoing } = this
    if (this.hasLeft || outgoing.writableFinished) return Promise.resolve()
    return new Promise((resolve) => {
      outgoing.once('finish', resolve)
      outgoing.once('close', resolve)
    })
  }

  private drained(): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.outgoing.off('drain', go)
        forget()
        resolve()
      }
      const forget = this.whenLeft(go)
      this.outgoing.once('drain', go)
    })
  }

  private closed(): void {
    if (this.outgoing.writableFinished) return
    this.hasLeft = true
    for (const listener of this.onLeave.splice(0)) listener()
  }
}
