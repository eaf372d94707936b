/** What lists of runs and steps are asked for. */
import { z } from '@hono/zod-openapi'
import { isUuid } from '../../../events/uuid.ts'
import { RUN_SORTS, STEP_SORTS } from '../../../projections/rungate/run-lists.ts'
import { invalid } from '../../errors.ts'
import { boundedText, timeInput } from '../../schemas.ts'
import { wholeText } from '../schemas.ts'
import { runStatus } from './run-view.ts'

export const LISTED = { runs: 50, agentSteps: 50, steps: 100, max: 200 }
const OFFSET_MAX = 100_000_000

/** One of these, which the document does not name. */
const oneOf = <const Name extends string>(names: readonly Name[]) =>
  boundedText(100)
    .refine((given) => names.includes(given as Name), `must be one of ${names.join(', ')}`)
    .transform((given) => given as Name)
    .openapi({ type: 'string' })

export const order = z.enum(['asc', 'desc']).optional()
export const runSort = z.enum(RUN_SORTS).optional()
export const anyRunSort = oneOf(RUN_SORTS).optional()
export const stepSort = oneOf(STEP_SORTS).optional()

/** How many rows are left out; more than there can be stands for that. */
export const offset = wholeText(0)
  .transform((given) => Math.min(given, OFFSET_MAX))
  .openapi({ type: 'integer' })
  .optional()
/** A page's size, where the document names no greatest one; 0 stands for 1. */
export const pageLimit = wholeText(0)
  .transform((given) => Math.min(Math.max(1, given), LISTED.max))
  .openapi({ type: 'integer' })
  .optional()

/** Of a run's start. */
export const window = { since: timeInput.optional(), until: timeInput.optional() }
export const statusQuery = { status: runStatus.optional() }

const flag = z.enum(['true', 'false']).optional()
export const governanceQuery = { had_governance_block: flag, had_failover: flag }
export const isTrue = (text: 'true' | 'false' | undefined): boolean | undefined =>
  text === undefined ? undefined : text === 'true'

/** Throws a Problem (400) for a window without a length. */
export function requireWindow({ since, until }: { since?: string | undefined; until?: string | undefined }): void {
  if (since !== undefined && until !== undefined && since >= until) {
    throw invalid('query/since', 'out_of_range', 'must be before until')
  }
}

/** An id in a query whose form the document leaves open; undefined: nothing has such an id. */
export const anyId = boundedText(100).optional()
export const idOf = (text: string): string | undefined => (isUuid(text) ? text.toLowerCase() : undefined)
