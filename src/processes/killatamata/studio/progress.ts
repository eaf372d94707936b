/** What a run has said and called goes to the log in pieces, one in a while at most, each behind all before it. */
import type { ToolCall } from '../../../events/killatamata/studio.ts'

export interface Piece {
  text: string
  toolCalls: readonly ToolCall[]
}

/** Of one event: what is longer goes on in the next one. */
const TEXT_LENGTH_MAX = 65_536

const endsHalfway = (text: string): boolean => /[\ud800-\udbff]$/.test(text)

export function createProgress(write: (piece: Piece) => Promise<void>, intervalMs: number) {
  let text = ''
  let toolCalls: ToolCall[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let failure: unknown

  /** Half of a character waits for its other half. */
  function take(isLast: boolean): Piece {
    let length = Math.min(text.length, TEXT_LENGTH_MAX)
    if (!isLast && endsHalfway(text.slice(0, length))) length -= 1
    const piece = { text: text.slice(0, length), toolCalls }
    text = text.slice(length)
    toolCalls = []
    return { ...piece, text: isLast ? piece.text.toWellFormed() : piece.text }
  }

  async function flush(isLast: boolean): Promise<void> {
    if (failure !== undefined) return
    const piece = take(isLast)
    if (piece.text === '' && piece.toolCalls.length === 0) return
    await write(piece)
  }

  function soon(): void {
    timer ??= setTimeout(() => {
      writing = writing
        .then(() => flush(false))
        .catch((error: unknown) => {
          failure = error
        })
        .finally(() => {
          timer = undefined
          if (text !== '' || toolCalls.length > 0) soon()
        })
    }, intervalMs)
  }

  return {
    onText(more: string): void {
      text += more
      soon()
    },
    onCall(call: ToolCall): void {
      toolCalls.push(call)
      soon()
    },
    /** All of it is in the log. Rejects with what a write has failed with. */
    async end(): Promise<void> {
      clearTimeout(timer)
      timer = undefined
      await writing
      clearTimeout(timer)
      while (failure === undefined && (text !== '' || toolCalls.length > 0)) await flush(text.length <= TEXT_LENGTH_MAX)
      if (failure !== undefined) throw failure
    },
  }
}
