/**
 * What became of a command on its way to the engine, written by the relay and, once it was given up, by administrators.
 * Stream `noctant.engineCommand-<commandId>`: its revision is the attempt. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { time, uuid } from './vocabulary.ts'

const sent = {
  commandId: uuid,
  accountId: uuid,
  /** 0 for the first publish. */
  attempt: z.int().nonnegative(),
  /** Position in the command stream, decimal. */
  streamSequence: z.string(),
  occurredAt: time,
}

const settled = { commandId: uuid, accountId: uuid, reason: z.string().nullable(), occurredAt: time }

export const engineCommandEvents = {
  'noctant.EngineCommandPublished.v1': z.object(sent),
  'noctant.EngineCommandRepublished.v1': z.object(sent),
  'noctant.EngineCommandDeadLettered.v1': z.object({
    commandId: uuid,
    accountId: uuid,
    attempts: z.int().nonnegative(),
    reason: z.string(),
    occurredAt: time,
  }),
  /** A command that was given up is to be sent again, as often as a new one. */
  'noctant.EngineCommandRetryRequested.v1': z.object(settled),
  /** Nothing more is to be done about a command that was given up. */
  'noctant.EngineCommandDiscarded.v1': z.object(settled),
}
export type EngineCommandEvent = EventOf<typeof engineCommandEvents>
