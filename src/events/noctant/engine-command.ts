/**
 * What became of a command on its way to the engine, written by the relay alone.
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
}
export type EngineCommandEvent = EventOf<typeof engineCommandEvents>
