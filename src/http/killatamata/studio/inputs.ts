/** What the studio's requests have in common. */
import { z } from '@hono/zod-openapi'
import { reasoningLevel, threadModel } from '../../../events/killatamata/studio.ts'
import { invalid } from '../../errors.ts'
import { InexactNumber } from '../../json.ts'
import { boundedText, recordOf, text } from '../../schemas.ts'

/** Longer ones name nothing. */
const ID_LENGTH_MAX = 255
export const idIn = boundedText(ID_LENGTH_MAX).min(1)

export const TITLE_LENGTH_MAX = 120
export const title = text(TITLE_LENGTH_MAX, 2)
export const assetTitle = text(TITLE_LENGTH_MAX, 1)
export const description = text(4_000)
export const DOCUMENT_LENGTH_MAX = 524_288
export const documentText = text(DOCUMENT_LENGTH_MAX)
export const prompt = text(12_000, 2)

/** What a conversation or a prompt may say of the model. */
export const modelChoice = { agentModel: threadModel.optional(), reasoningLevel: reasoningLevel.optional() }

/** Bodies with a document in them: each character may take six bytes of JSON. */
export const DOCUMENT_BODY_MAX_BYTES = 4_194_304

/** Of an object at its top. */
const MEMBERS_MAX = 10_000
/** Any object; what may stand in it, `requirePlain` or the storyboard's own schema says. */
export const anyObject = recordOf(z.unknown(), MEMBERS_MAX).openapi({ type: 'object' })

interface PlainBounds {
  depthMax: number
  bytesMax: number
}

/** Throws a Problem where the value is too deep or too large as JSON, or holds a number that no double holds. */
export function requirePlain(value: unknown, pointer: string, { depthMax, bytesMax }: PlainBounds): void {
  const walk = (each: unknown, depth: number): void => {
    if (each instanceof InexactNumber) {
      throw invalid(pointer, 'number_too_long', 'A number has at most 15 digits here; send longer ones as text.')
    }
    if (typeof each !== 'object' || each === null) return
    if (depth > depthMax) throw invalid(pointer, 'too_deep', `It has at most ${depthMax} levels.`)
    for (const member of Object.values(each)) walk(member, depth + 1)
  }
  walk(value, 1)
  if (Buffer.byteLength(JSON.stringify(value)) > bytesMax) {
    throw invalid(pointer, 'too_large', `It has at most ${bytesMax} bytes as JSON.`)
  }
}
