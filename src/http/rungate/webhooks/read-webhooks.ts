/** GET /api/webhooks, /api/webhooks/{id} and …/deliveries: the webhooks that the caller sees, and what became of what they tell. */
import { z } from '@hono/zod-openapi'
import { webhookNotFound } from '../../../commands/rungate/webhook.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { findWebhook, webhooksOf } from '../../../projections/rungate/webhook.ts'
import { deliveriesOf } from '../../../projections/rungate/webhook-delivery.ts'
import { json } from '../../answers.ts'
import { dashboard, type Operator, type RungateParts, read } from '../access.ts'
import { LISTED, offset } from '../runs/inputs.ts'
import { clampedLimit, dataOf, idParams, listOfData } from '../schemas.ts'
import { deliveryResponse, deliveryView, eventType, webhookResponse, webhookView } from './webhook-view.ts'

async function shown({ db }: Pick<RungateParts, 'db'>, { accountId, memberId }: Operator, id: string) {
  const found = await findWebhook(db, accountId, memberId, id)
  if (!found) throw webhookNotFound()
  return found
}

export const listWebhooks = read({
  path: '/api/webhooks',
  id: 'listWebhooks',
  tags: ['Webhooks'],
  summary: 'The account’s webhooks',
  description: 'Answers with the webhooks that you see, newest first; of their secrets only the ends.',
  access: dashboard('read'),
  query: z.object({ status: z.enum(['active', 'paused', 'failing']).optional(), event: eventType.optional() }),
  answer: json(listOfData(webhookResponse), 'The webhooks.'),
  async handle({ db, clock, principal: { accountId, memberId }, query: { status, event } }) {
    const now = clock().toISOString()
    const { rows, total } = await listed(db, webhooksOf, { accountId, memberId, status, event })
    return { data: rows.map((row) => webhookView(row, now)), total }
  },
})

export const getWebhook = read({
  path: '/api/webhooks/{id}',
  id: 'getWebhook',
  tags: ['Webhooks'],
  summary: 'A webhook',
  description: 'Answers with one webhook; of its secret only the end.',
  access: dashboard('read'),
  params: idParams,
  answer: json(dataOf(webhookResponse), 'The webhook.'),
  refuses: ['webhook_not_found'],
  async handle({ principal, params: { id }, clock, ...parts }) {
    return { data: webhookView(await shown(parts, principal, id), clock().toISOString()) }
  },
})

export const listWebhookDeliveries = read({
  path: '/api/webhooks/{id}/deliveries',
  id: 'listWebhookDeliveries',
  tags: ['Webhooks'],
  summary: 'What a webhook was told',
  description: 'Answers with a page of deliveries, newest first: what was sent, how often, and what came back last.',
  access: dashboard('read'),
  params: idParams,
  query: z.object({
    ...{ status: z.enum(['pending', 'success', 'failed']).optional(), event_type: eventType.optional() },
    ...{ limit: clampedLimit(LISTED.max), offset },
  }),
  answer: json(listOfData(deliveryResponse), 'The deliveries.'),
  refuses: ['webhook_not_found'],
  async handle({ principal, params: { id }, query, ...parts }) {
    const { webhook_id: webhookId } = await shown(parts, principal, id)
    const { status, event_type: eventType, limit = LISTED.runs, offset = 0 } = query
    const { rows, total } = await deliveriesOf(parts.db, { webhookId, status, eventType, limit, offset })
    return { data: rows.map(deliveryView), total }
  },
})
