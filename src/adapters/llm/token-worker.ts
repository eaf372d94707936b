/** The thread on which tokens are counted (token-counter.ts). */
import { parentPort } from 'node:worker_threads'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import type { Said } from './token-counter.ts'

/** A longer piece would take the square of its length where it has no spaces. */
const PIECE_CHARACTERS = 512

/** Pieces end before a space where there is one. To cut a text can only make more tokens of it. */
function* piecesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + PIECE_CHARACTERS, text.length)
    if (to < text.length) {
      const space = text.lastIndexOf(' ', to)
      if (space > from) to = space
      // Not within a character of two units.
      else if ((text.charCodeAt(to) & 0xfc00) === 0xdc00) to -= 1
    }
    yield text.slice(from, to)
    from = to
  }
}

const say = (said: Said) => parentPort?.postMessage(said)

parentPort?.on('message', ({ id, texts }: { id: number; texts: readonly string[] }) => {
  let tokens = 0
  for (const text of texts) {
    // What looks like a token of control is text here.
    for (const piece of piecesOf(text)) tokens += countTokens(piece, { disallowedSpecial: new Set() })
  }
  say({ id, tokens })
})
say('ready')
