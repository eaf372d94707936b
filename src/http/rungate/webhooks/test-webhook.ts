/** POST /api/webhooks/{id}/test: one delivery to see whether the receiver works, however the webhook stands. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { webhookDelivery } from '../../../commands/rungate/webhook-delivery.ts'
import { livingWebhook } from '../../../commands/rungate/webhooks.ts'
import { bodyOf } from '../../../processes/rungate/webhook-payload.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { uuidOut } from '../../schemas.ts'
import { dashboard, type Operator, type RungateParts, write } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { requireOwn } from '../people/rights.ts'
import { dataOf, idParams } from '../schemas.ts'

const answer = z.object({ message: z.string(), delivery_id: uuidOut, warning: z.string().optional() })
const EVENT = 'webhook.test'

/** Once a command. Rejects with webhook_not_found; throws a Problem where it is not the principal's, or nothing sends it. */
export async function sendWebhookTest(
  { bus, webhooks }: Pick<RungateParts, 'bus' | 'webhooks'>,
  webhookId: string,
  principal: Operator,
  command: CommandContext,
) {
  const { created, standing } = await livingWebhook(bus, webhookId, principal)
  requireOwn(principal, created)
  if (!(await webhooks.isServed())) {
    throw new Problem<RungateCode>('webhooks_unavailable', 'No process of this installation sends webhooks now.')
  }
  const { accountId } = created
  const idOf = (of: string) => deterministicId(of, webhookId, command.commandId)
  const [deliveryId, eventId] = [idOf('rungate.webhookTest'), idOf('rungate.webhookTestEvent')]
  const told = { webhook_id: webhookId, message: 'This webhook works.' }
  const facts = {
    ...{ deliveryId, owner: { accountId, webhookId }, eventId, eventType: EVENT, replayId: null, person: {} },
    body: bodyOf({ id: eventId, type: EVENT, createdAt: command.at, accountId }, told),
    ...{ about: { attemptsMax: '1', sourcePosition: '0' }, isTrial: true },
  }
  const handled = await bus.handle(webhookDelivery, deliveryId, { kind: 'request', facts, at: command.at }, command)
  return { deliveryId, standing, handled }
}

export const testWebhook = write({
  path: '/api/webhooks/{id}/test',
  id: 'testWebhook',
  tags: ['Webhooks'],
  summary: 'Try a webhook',
  description: 'Sends `webhook.test` to the webhook, once. The list of deliveries shows what came of it.',
  access: dashboard('write'),
  params: idParams,
  answers: { 200: json(dataOf(answer), 'The event is on its way.') },
  refuses: ['webhook_not_found', 'not_own', 'webhooks_unavailable'],
  async handle({ bus, webhooks, principal, params: { id: webhookId }, command }) {
    const { deliveryId, standing, handled } = await sendWebhookTest({ bus, webhooks }, webhookId, principal, command)
    const warning = standing === 'active' ? {} : { warning: `The webhook is ${standing}: it takes nothing but tests.` }
    const data = { message: 'The test event is on its way.', delivery_id: deliveryId, ...warning }
    return { status: 200, body: { data }, handled }
  },
})
