/** What a buyer keeps with a job: flat, bounded, and shown as it came. */
import { z } from '@hono/zod-openapi'
import { InexactNumber, jsonPointer, MalformedJson } from '../../json.ts'
import { boundedText, recordOf } from '../../schemas.ts'

const MEMBERS_MAX = 50
const NAME_MAX = 100
const TEXT_MAX = 1_000
const BYTES_MAX = 16_384

const value = z.union([boundedText(TEXT_MAX), z.number(), z.boolean(), z.null()])

/** A number that would come back as another one makes the request unreadable. */
function refuseInexact(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given
  for (const [name, of] of Object.entries(given)) {
    if (!(of instanceof InexactNumber)) continue
    throw new MalformedJson('The number has more digits than are kept.', jsonPointer(['metadata', name]))
  }
  return given
}

export const metadata = z
  .preprocess(refuseInexact, recordOf(value, MEMBERS_MAX, NAME_MAX))
  .refine((given) => Buffer.byteLength(JSON.stringify(given)) <= BYTES_MAX, `must have at most ${BYTES_MAX} bytes`)
  .openapi({ maxProperties: MEMBERS_MAX })
