/** POST /v1/webhooks/replays: has the events of a window delivered again, under the ids they had. */

import { z } from '@hono/zod-openapi'
import type { CommandBus } from '../../../commands/handle.ts'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { deliverableEndpoint, isSubscribed } from '../../../commands/noctant/webhook-endpoint.ts'
import { type ReplayFacts, webhookReplay } from '../../../commands/noctant/webhook-replay.ts'
import { partnerEventTypes } from '../../../events/noctant/partner-events.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { findAccount } from '../../../projections/noctant/account.ts'
import { findReplaySources } from '../../../projections/noctant/partner-event.ts'
import { json } from '../../answers.ts'
import { bodyKey } from '../../command.ts'
import { boundedText, externalId, listOf, timeInput, timeOut, uuidOut } from '../../schemas.ts'
import { type NoctantParts, operatorKey, write } from '../access.ts'
import { count, idempotencyKey, requestIdHeader } from '../schemas.ts'

const LIMIT_DEFAULT = 100
export const LIMIT_MAX = 1_000
const NAMES_ONE = 'must name at least one type, each once'

const request = z
  .object({
    idempotency_key: idempotencyKey,
    from_created_at: timeInput,
    to_created_at: timeInput,
    event_types: listOf(boundedText(200), 2 * partnerEventTypes.length, NAMES_ONE)
      .refine((types) => types.length > 0, NAMES_ONE)
      .nullish(),
    external_account_id: externalId.nullish(),
    limit: z
      .int()
      .refine((value) => value >= 1 && value <= LIMIT_MAX, `must be a whole number from 1 to ${LIMIT_MAX}`)
      .nullish()
      .openapi({ type: ['integer', 'null'], format: 'int64' }),
  })
  .openapi('CreateWebhookReplayRequest')

const answer = z
  .object({
    replay_request_id: uuidOut,
    enqueued_count: count,
    duplicate: z.boolean(),
    event_types: z.array(z.string()).nullable().optional(),
    external_account_id: z.string().nullable().optional(),
    from_created_at: timeOut,
    to_created_at: timeOut,
    limit: z.int().openapi({ type: 'integer', format: 'int64' }),
  })
  .openapi('CreateWebhookReplayResponse')

type Wish = Omit<ReplayFacts, 'replayId' | 'operatorId' | 'sources'>

function wishOf(body: z.output<typeof request>, windowMaxMs: number): Wish {
  const { from_created_at: from, to_created_at: to } = body
  const lengthMs = Date.parse(to) - Date.parse(from)
  if (lengthMs <= 0) {
    throw new Rejected('webhook_window_invalid', 'The window ends before it begins.', '/to_created_at')
  }
  if (lengthMs > windowMaxMs) {
    const days = Math.floor(windowMaxMs / 86_400_000)
    throw new Rejected('webhook_window_invalid', `A window is at most ${days} days long.`, '/to_created_at')
  }
  const eventTypes = body.event_types ? [...new Set(body.event_types)].toSorted() : null
  const externalAccountId = body.external_account_id ?? null
  return { from, to, eventTypes, externalAccountId, limit: body.limit ?? LIMIT_DEFAULT }
}

/** The events that the wish is about, of the types that the endpoint takes. Rejects where it cannot be granted. */
async function sourcesOf(bus: CommandBus, db: ReadModels, operatorId: string, wish: Wish) {
  const endpoint = await deliverableEndpoint(bus, operatorId)
  for (const type of wish.eventTypes ?? []) {
    if (isSubscribed(endpoint, type) && partnerEventTypes.includes(type)) continue
    throw new Rejected('webhook_event_type_unknown', `The endpoint does not take ${type}.`, '/event_types')
  }
  const account =
    wish.externalAccountId === null ? undefined : await findAccount(db, operatorId, wish.externalAccountId)
  if (wish.externalAccountId !== null && !account) {
    throw new Rejected('account_not_found', 'The operator has no account of this external id.', '/external_account_id')
  }
  const eventTypes = wish.eventTypes ?? partnerEventTypes.filter((type) => isSubscribed(endpoint, type))
  const { from, to, limit } = wish
  const programAccountId = account?.program_account_id
  return findReplaySources(db, { operatorId, programAccountId, eventTypes, from, to, limit })
}

/** How many events such a replay would deliver again, as far as its limit goes. Rejects as the replay itself does. */
export const countReplay = async (
  { bus, db, replayWindowMaxMs }: Pick<NoctantParts, 'bus' | 'db' | 'replayWindowMaxMs'>,
  operatorId: string,
  body: z.output<typeof request>,
): Promise<number> => (await sourcesOf(bus, db, operatorId, wishOf(body, replayWindowMaxMs))).length

export const createWebhookReplay = write({
  path: '/v1/webhooks/replays',
  id: 'createWebhookReplay',
  tags: ['Webhooks'],
  summary: 'Deliver the events of a window again',
  description:
    'Sends the events of a window to your endpoint again, oldest first, as far as the limit goes. Receivers tell repeats by the event’s id.',
  access: operatorKey('webhooks:replay'),
  headers: requestIdHeader,
  body: request,
  answers: {
    200: json(answer, 'The same request was accepted before; this is what it came to then.'),
    202: json(answer, 'Accepted: so many events are on their way again.'),
  },
  refuses: [
    'account_not_found',
    'operator_not_found',
    'webhook_disabled',
    'webhook_event_type_unknown',
    'webhook_not_configured',
    'webhook_window_invalid',
  ],
  key: bodyKey(),
  facts: ({ body, replayWindowMaxMs }) => wishOf(body, replayWindowMaxMs),
  async handle({ bus, db, principal: { operatorId }, facts: wish, command }) {
    const { commandId: replayId, at } = command
    // A repeated request is answered from the record; there is nothing to look for then.
    const known = (await bus.current(webhookReplay, replayId)).status === 'requested'
    const sources = known ? [] : await sourcesOf(bus, db, operatorId, wish)
    const facts = { replayId, operatorId, ...wish, sources }
    const handled = await bus.handle(webhookReplay, replayId, { kind: 'request', facts, at }, command)
    if (handled.state.status === 'absent') throw new Error('a replay that was accepted has no state')
    const accepted = handled.state.facts
    const body = {
      replay_request_id: replayId,
      enqueued_count: accepted.sources.length,
      duplicate: handled.replayed,
      event_types: accepted.eventTypes,
      external_account_id: accepted.externalAccountId,
      from_created_at: accepted.from,
      to_created_at: accepted.to,
      limit: accepted.limit,
    }
    return { status: handled.replayed ? 200 : 202, body, handled }
  },
})
