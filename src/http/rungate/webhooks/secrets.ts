/** Secrets of webhooks: each is sealed under a key of its webhook's own in the vault, with which it is destroyed. */

import { z } from '@hono/zod-openapi'
import { webhook, webhookNotFound } from '../../../commands/rungate/webhook.ts'
import { livingWebhook } from '../../../commands/rungate/webhooks.ts'
import { openSecretWith, sealWebhookSecret } from '../../../processes/rungate/webhooks.ts'
import { ObjectKeyDestroyed } from '../../../vault/object-keys.ts'
import { json, withHeaders } from '../../answers.ts'
import { timeOut } from '../../schemas.ts'
import { dashboard, type RungateParts, write } from '../access.ts'
import { noStore } from '../keys.ts'
import { requireOwn } from '../people/rights.ts'
import { dataOf, idParams } from '../schemas.ts'

/** Seals a secret; absent, it is made. Rejects with webhook_not_found where the webhook is being deleted. */
export async function sealed({ providerSecrets }: Pick<RungateParts, 'providerSecrets'>, id: string, secret?: string) {
  try {
    return await sealWebhookSecret(providerSecrets, id, secret)
  } catch (error) {
    throw error instanceof ObjectKeyDestroyed ? webhookNotFound() : error
  }
}

/** When a secret that is replaced ends, `overlapMs` later. */
export const overlapEndAfter =
  (overlapMs: number) =>
  (at: string): string =>
    new Date(Date.parse(at) + overlapMs).toISOString()

const answer = z.object({ previous_secret: z.string(), current_secret: z.string(), grace_expires_at: timeOut })

export const rotateWebhookSecret = write({
  path: '/api/webhooks/{id}/rotate-secret',
  id: 'rotateWebhookSecret',
  tags: ['Webhooks'],
  summary: 'Replace a webhook’s secret',
  description: 'Makes a secret. For ten minutes requests are signed with both; one that is older signs no more.',
  access: dashboard('write'),
  params: idParams,
  answers: { 200: withHeaders(json(dataOf(answer), 'Both secrets, shown this once.'), 'cache-control') },
  refuses: ['webhook_not_found', 'not_own'],
  async handle({ principal, params: { id }, command, ...parts }) {
    const { created, secrets } = await livingWebhook(parts.bus, id, principal)
    requireOwn(principal, created)
    const former = secrets.at(-1)
    if (!former) throw new Error('a webhook has a secret from its beginning')
    const name = { endpointId: id, secretId: former.secretId }
    const previous_secret = await openSecretWith(parts.providerSecrets)(former.sealed, name)
    const { secret: current_secret, kept } = await sealed(parts, id)
    const grace_expires_at = parts.webhooks.overlapEnd(command.at)
    const { accountId, memberId, author } = principal
    const asked = { accountId, memberId, author, at: command.at }
    const rotation = { kind: 'rotate', secret: kept, previousValidUntil: grace_expires_at, ...asked } as const
    const handled = await parts.bus.handle(webhook, id, rotation, command)
    return {
      status: 200,
      headers: noStore,
      body: { data: { previous_secret, current_secret, grace_expires_at } },
      handled,
    }
  },
})
