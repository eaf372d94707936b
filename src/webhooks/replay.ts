/**
 * A wish to have past events delivered again. Which events that are is found in the read models when the wish comes in,
 * and recorded with it: the repeated request is answered from the record, and the deliveries are made from it, whatever
 * the read models say later.
 */
import { type Aggregate, aggregateOf } from '../commands/decider.ts'
import type { AnyEvent } from '../events/event.ts'
import type { ReplayEvent, WebhookNames } from '../events/webhook.ts'

export type RequestedReplay = ReplayEvent['data']

export type WebhookReplayState<Requested> = { status: 'absent' } | { status: 'requested'; facts: Requested }

export interface WebhookReplayCommand<Requested> {
  kind: 'request'
  facts: Omit<Requested, 'occurredAt'>
  at: string
}

export type WebhookReplay<Requested> = Aggregate<
  WebhookReplayState<Requested>,
  WebhookReplayCommand<Requested>,
  AnyEvent
>

/** The replays of a context; `Requested`: what its event of the request says. */
export const webhookReplayOf = <Requested extends RequestedReplay>({
  context,
}: Pick<WebhookNames, 'context'>): WebhookReplay<Requested> =>
  aggregateOf<WebhookReplayState<Requested>, WebhookReplayCommand<Requested>, { type: string; data: Requested }>(
    context,
    'webhookReplay',
    {
      initialState: { status: 'absent' },
      evolve: (_, event) => ({ status: 'requested', facts: event.data }),
      decide({ facts, at }, state) {
        if (state.status === 'requested') return []
        const data = { ...facts, occurredAt: at } as Requested
        return [{ type: 'WebhookReplayRequested.v1', data }]
      },
    },
  )
