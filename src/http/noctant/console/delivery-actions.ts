/** What can be done about a webhook that was sent: have it delivered again. */
import { html } from 'hono/html'
import { WEBHOOK_TEST } from '../../../commands/noctant/webhook-test.ts'
import { NotSettled, replayWebhooks } from '../../../processes/noctant/dead-letters.ts'
import { findWebhookEndpoint, type WebhookAttemptRow } from '../../../projections/noctant/webhook.ts'
import { Problem } from '../../errors.ts'
import type { ActionDeclaration, Asked } from '../../pages/declaration.ts'
import { thingOf } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { deliveryThings } from './things.ts'

const attemptIn = (asked: Asked<NoctantParts>) => thingOf(deliveryThings, asked, asked.params.id ?? '')

/** Why it is not sent again; nothing: it can be. */
function obstacleOf({ event_type }: WebhookAttemptRow, isTaken: boolean): { obstacle?: string } {
  if (event_type === WEBHOOK_TEST)
    return { obstacle: 'A test event is not sent again: send another from the page of the endpoint.' }
  return isTaken ? {} : { obstacle: 'There is no endpoint that takes it: none is set, or it is disabled.' }
}

export const resend: ActionDeclaration<NoctantParts> = {
  ...{ of: '/webhooks/:id', name: 'resend', title: 'Resend', audience: ['administrator', 'operator'] },
  scopes: ['webhooks:replay'],
  async prepare(asked) {
    const attempt = await attemptIn(asked)
    if (!attempt) return undefined
    const endpoint = await findWebhookEndpoint(asked.parts.db, attempt.operator_id)
    const to = endpoint?.url_origin ?? 'the endpoint'
    return {
      says: html`<p>Delivers the event ${attempt.event_id} (${attempt.event_type}) once more to ${to}, under the same webhook-id.</p>`,
      ...obstacleOf(attempt, endpoint?.enabled === true),
    }
  },
  async perform(acting) {
    const attempt = await attemptIn(acting)
    if (!attempt) throw new Error('the webhook of an action was there a moment ago')
    const { parts, command } = acting
    try {
      await replayWebhooks({ bus: parts.bus, db: parts.db, context: () => command }, [attempt])
    } catch (error) {
      if (!(error instanceof NotSettled)) throw error
      throw new Problem<'action_impossible'>('action_impossible', `${error.message}. ${error.whatToDo}`)
    }
    return {
      message: 'It is delivered again: the attempt stands here as soon as it is made.',
      links: [['What comes of it', `/traces/${command.commandId}`]],
    }
  },
}
