/** A worker's token as text: `fh_worker_<id>_<secret><check>`. */
import { keyTexts } from '../../api-keys/key-text.ts'

const texts = keyTexts('fh_worker', [''])

const HINT_LENGTH = 4

/** A new token: its text, to be shown once, and what is kept of it. `random` gives so many unpredictable bytes. */
export function generateWorkerToken(random?: (bytes: number) => Uint8Array) {
  const { key: secret, keyId: textId, keyHash: tokenHash } = texts.generate('', random)
  return { secret, textId, tokenHash, hint: secret.slice(-HINT_LENGTH) }
}

/** The id that the text has in it, or undefined where it is no token of a worker. */
export const workerTextIdOf = (text: string): string | undefined => texts.parse(text)?.keyId
