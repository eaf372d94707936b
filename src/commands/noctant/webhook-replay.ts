/** Operators' wishes to have past events delivered again. */
import type { EventOf } from '../../events/event.ts'
import { webhookNames, type webhookReplayEvents } from '../../events/noctant/webhook.ts'
import { webhookReplayOf } from '../../webhooks/replay.ts'

type Requested = EventOf<typeof webhookReplayEvents>['data']
export type ReplayFacts = Omit<Requested, 'occurredAt'>

export const webhookReplay = webhookReplayOf<Requested>(webhookNames)
