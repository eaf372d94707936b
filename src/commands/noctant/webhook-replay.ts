/**
 * An operator's wish to have past events delivered again. Which events that are is found in the read models when the
 * wish comes in, and recorded with it: the repeated request is answered from the record, and the deliveries are made
 * from it, whatever the read models say later.
 */
import type { WebhookReplayEvent } from '../../events/noctant/webhook.ts'
import type { Aggregate } from '../decider.ts'

type Requested = WebhookReplayEvent['data']
export type ReplayFacts = Omit<Requested, 'occurredAt'>

export type WebhookReplayState = { status: 'absent' } | { status: 'requested'; facts: Requested }

export type WebhookReplayCommand = { kind: 'request'; facts: ReplayFacts; at: string }

export const webhookReplay: Aggregate<WebhookReplayState, WebhookReplayCommand, WebhookReplayEvent> = {
  category: 'noctant.webhookReplay',
  initialState: { status: 'absent' },

  evolve: (_, event) => ({ status: 'requested', facts: event.data }),

  decide({ facts, at }, state) {
    if (state.status === 'requested') return []
    return [{ type: 'noctant.WebhookReplayRequested.v1', data: { ...facts, occurredAt: at } }]
  },
}
