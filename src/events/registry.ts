/**
 * Every event type that may stand in the log, with its schema. An event is decoded here once, when it is read; what
 * does not decode is poison and never reaches a fold or a handler. Old versions stay and are lifted by upcasters.
 */
import { z } from 'zod'
import { auditorEvents } from './audit/auditor.ts'
import { readingEvents } from './audit/reading.ts'
import type { AnyEvent } from './event.ts'
import { accountEvents } from './noctant/account.ts'
import { challengeEvents, challengeRequestEvents, challengeSlotEvents } from './noctant/challenge.ts'
import { engineEvents, engineQuarantineEvents } from './noctant/engine.ts'
import { engineCommandEvents } from './noctant/engine-command.ts'
import { feedEvents } from './noctant/feed.ts'
import { kycEvents } from './noctant/kyc.ts'
import { launchSessionEvents } from './noctant/launch-session.ts'
import { operatorEvents, operatorSlugEvents } from './noctant/operator.ts'
import { payoutAddressEvents, payoutEvents } from './noctant/payout.ts'
import { productEvents, productSlugEvents } from './noctant/product.ts'
import { templateEvents } from './noctant/template.ts'
import { userEvents } from './noctant/user.ts'
import { webhookDeliveryEvents, webhookEndpointEvents, webhookReplayEvents } from './noctant/webhook.ts'
import { sealEvents } from './seal.ts'

/** Written now and then to a stream of its own, so that subscriptions move and lag can be measured. */
export const HEARTBEAT = 'opslog.HeartbeatRecorded.v1'

export const eventSchemas: Readonly<Record<string, z.ZodType>> = {
  [HEARTBEAT]: z.object({ occurredAt: z.iso.datetime() }),
  ...sealEvents,
  ...auditorEvents,
  ...readingEvents,
  ...operatorEvents,
  ...operatorSlugEvents,
  ...userEvents,
  ...kycEvents,
  ...payoutEvents,
  ...payoutAddressEvents,
  ...accountEvents,
  ...engineCommandEvents,
  ...engineEvents,
  ...engineQuarantineEvents,
  ...templateEvents,
  ...productEvents,
  ...productSlugEvents,
  ...challengeEvents,
  ...challengeRequestEvents,
  ...challengeSlotEvents,
  ...feedEvents,
  ...launchSessionEvents,
  ...webhookEndpointEvents,
  ...webhookDeliveryEvents,
  ...webhookReplayEvents,
}

/** Lifts the data of a superseded type to its successor: old type → { type, data => data }. */
export const upcasters: Readonly<Record<string, (data: unknown) => AnyEvent>> = {}

/** An event that cannot be read: its type is unknown or its data does not fit the type's schema. */
export class UndecodableEvent extends Error {
  override name = 'UndecodableEvent'
}

/**
 * The event in its newest version. Throws UndecodableEvent with the type and the first fault.
 */
export function decode(type: string, data: unknown): AnyEvent {
  let event: { type: string; data: unknown } = { type, data }
  for (let upcast = upcasters[type]; upcast; upcast = upcasters[event.type]) event = upcast(event.data)
  const schema = eventSchemas[event.type]
  if (!schema) throw new UndecodableEvent(`unknown event type ${event.type}`)
  const result = schema.safeParse(event.data)
  if (!result.success) {
    const [fault] = result.error.issues
    throw new UndecodableEvent(`${event.type}: ${fault?.path.join('.')} ${fault?.message}`)
  }
  return { type: event.type, data: result.data as Record<string, unknown> }
}
