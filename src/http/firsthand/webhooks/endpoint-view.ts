/** A webhook endpoint as the contract shows it: with its secret once, and without it from then on. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/firsthand/rejection.ts'
import { type EndpointState, isThere } from '../../../commands/firsthand/webhook-endpoint.ts'
import { endpointStatus } from '../../../events/firsthand/webhook.ts'
import type { WebhookEndpointRow } from '../../../projections/firsthand/webhook.ts'
import { webhookUrl } from '../../../webhooks/address.ts'
import { refuseIfPrivate } from '../../../webhooks/request.ts'
import { boundedText } from '../../schemas.ts'
import type { WebhookParts } from '../access.ts'
import { id } from '../schemas.ts'

export const endpointParams = z.object({ endpoint_id: id })

const URL_LENGTH_MAX = 2_000
export const url = boundedText(URL_LENGTH_MAX).openapi({ format: 'uri' })

export const endpointResponse = z
  .object({
    id: z.string(),
    object: z.literal('webhook_endpoint'),
    url: z.string(),
    status: endpointStatus,
    description: z.string().nullable(),
    signing_secret: z.string().optional(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .openapi('WebhookEndpointResponse')

type Shown = Pick<WebhookEndpointRow, 'endpoint_id' | 'url' | 'status' | 'description' | 'created_at' | 'updated_at'>

export const endpointView = (row: Shown, signing_secret?: string): z.input<typeof endpointResponse> => ({
  ...{
    id: row.endpoint_id,
    object: 'webhook_endpoint',
    url: row.url,
    status: row.status,
    description: row.description,
  },
  ...(signing_secret !== undefined && { signing_secret }),
  ...{ created_at: row.created_at, updated_at: row.updated_at },
})

/** As it stands in its stream. Throws where there is none: no accepted command leaves it so. */
export function shownOf(state: EndpointState): Shown {
  if (!isThere(state)) throw new Error('an endpoint that is not there has no view')
  const { owner, url, description, createdAt: created_at, updatedAt: updated_at } = state
  const status = state.status === 'enabled' ? 'active' : 'disabled'
  return { endpoint_id: owner.endpointId ?? '', url, description, status, created_at, updated_at }
}

/** Rejects with webhook_url_refused where nothing would be sent to the URL. */
export async function acceptUrl({ allowLoopback, resolve }: WebhookParts, text: string): Promise<void> {
  await refuseIfPrivate(webhookUrl(text, { allowLoopback }, Rejected), { allowLoopback }, resolve, Rejected)
}
