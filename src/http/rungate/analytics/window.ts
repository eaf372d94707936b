/** The window of figures, and how they are grouped and cut. */
import { z } from '@hono/zod-openapi'
import type { Granularity } from '../../../projections/rungate/analytics.ts'
import { invalid } from '../../errors.ts'
import { boundedText, timeInput, uuid } from '../../schemas.ts'
import type { Operator } from '../access.ts'
import { wholeText } from '../schemas.ts'

const DAY_MS = 86_400_000
const WINDOW = { defaultMs: 30 * DAY_MS, maxMs: 400 * DAY_MS }
const OFFSET_MAX = 100_000_000
const NAME_LENGTH_MAX = 255

/** A size from 1 on that the document bounds; a greater one stands for the greatest. */
const size = (max: number) =>
  wholeText(1)
    .transform((given) => Math.min(given, max))
    .openapi({ type: 'integer', minimum: 1, maximum: max })
    .optional()
const offset = wholeText(0)
  .transform((given) => Math.min(given, OFFSET_MAX))
  .openapi({ type: 'integer', minimum: 0 })
  .optional()

export const LIMITS = { default: 50, max: 1_000, topDefault: 10, topMax: 100 }
export const topLimit = size(LIMITS.topMax)
export const windowQuery = { since: timeInput.optional(), until: timeInput.optional() }
export const pageQuery = { limit: size(LIMITS.max), offset }
export const ofAgent = { agent_id: uuid.optional() }
const name = boundedText(NAME_LENGTH_MAX).optional()
export const granularityQuery = { granularity: z.enum(['hour', 'day', 'week']).optional() }

/** By which figures of steps are asked for, in the contract's order. */
export const figuresQuery = <const Group extends string>(groups: readonly [Group, ...Group[]]) =>
  z.object({
    ...{ group_by: z.enum(groups), ...ofAgent, provider: name, model: name },
    ...{ ...windowQuery, ...granularityQuery, ...pageQuery },
  })

interface Asked {
  since?: string | undefined
  until?: string | undefined
  agent_id?: string | undefined
  provider?: string | undefined
  model?: string | undefined
  granularity?: Granularity | undefined
  limit?: number | undefined
  offset?: number | undefined
}

/** The last 30 days where nothing else is asked for. Throws a Problem (400) for a window without a length, or of more than 400 days. */
export function asked({ accountId }: Pick<Operator, 'accountId'>, query: Asked, now: Date) {
  const until = query.until ?? new Date(Math.max(now.getTime(), sinceMsOf(query.since)) + 1).toISOString()
  const since = query.since ?? new Date(Date.parse(until) - WINDOW.defaultMs).toISOString()
  if (since >= until) throw invalid('query/since', 'out_of_range', 'must be before until')
  if (Date.parse(until) - Date.parse(since) > WINDOW.maxMs) {
    throw invalid('query/since', 'out_of_range', `must be at most ${WINDOW.maxMs / DAY_MS} days before until`)
  }
  const { agent_id: agentId, provider, model, granularity, limit = LIMITS.default, offset = 0 } = query
  return { accountId, since, until, agentId, provider, model, granularity, limit, offset }
}

const sinceMsOf = (since: string | undefined): number => (since === undefined ? 0 : Date.parse(since))
