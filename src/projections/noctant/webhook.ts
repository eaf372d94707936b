/** Operators' webhooks as they and the sender see them. */
import type { UserEvent } from '../../events/noctant/user.ts'
import { webhookNames } from '../../events/noctant/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import {
  type AttemptPage,
  deadWebhookCount as deadCount,
  webhookDeliveryProjection as deliveryProjection,
  webhookEndpointProjection as endpointProjection,
  listWebhookAttempts as listAttempts,
  webhookTables as tablesOf,
} from '../../webhooks/tables.ts'
import { erase, type RowOf } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

export const webhookTables = tablesOf(webhookNames)
export const { endpoints, outbox, attempts: deliveries, deadLetters } = webhookTables
export type WebhookEndpointRow = RowOf<typeof endpoints>
export type WebhookAttemptRow = RowOf<typeof deliveries>

export const webhookEndpointProjection = endpointProjection(webhookNames, webhookTables, 1)
export const webhookDeliveryProjection = deliveryProjection(webhookNames, webhookTables, 5, {
  'noctant.UserForgotten.v1': (event) => {
    const person = snake(event.data as UserEvent['data'], 'globalUserId')
    return [erase(deliveries, person, ['response_body_excerpt'])]
  },
})

export const findWebhookEndpoint = preparedOne((db, operatorId: string) =>
  db.selectFrom('noctant_webhook_endpoints').selectAll().where('operator_id', '=', operatorId),
)

/** How many events did not get through that nobody has dealt with. */
export const deadWebhookCount = (db: ReadModels): Promise<number> => deadCount(db, webhookTables)

/** An operator's attempts, newest first. */
export const listWebhookAttempts = (
  db: ReadModels,
  { operatorId: tenantId, ...page }: Omit<AttemptPage, 'tenantId'> & { operatorId: string },
) => listAttempts(db, webhookNames, webhookTables, { tenantId, ...page })

/** Endpoints of all operators, those first that have failed longest. */
export const listWebhookEndpoints = (db: ReadModels, limit: number): Promise<WebhookEndpointRow[]> =>
  noctantTables(db)
    .selectFrom('noctant_webhook_endpoints')
    .selectAll()
    .orderBy('failing_since')
    .orderBy('operator_id')
    .limit(limit)
    .execute()

/** Attempts that told of an event, the newest first. */
export const attemptsOf = (db: ReadModels, eventId: string, limit = 100): Promise<WebhookAttemptRow[]> =>
  noctantTables(db)
    .selectFrom('noctant_webhook_deliveries')
    .selectAll()
    .where('event_id', '=', eventId)
    .orderBy('finished_at', 'desc')
    .limit(limit)
    .execute()
