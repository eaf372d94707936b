/** Facts of the circuit of a provider key: whether calls with it are tried. Stream `rungate.circuit-<id of the key>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { time, uuid } from './vocabulary.ts'

const ofCircuit = {
  accountId: uuid,
  keyId: uuid,
  provider: z.string(),
  /** The process that saw it, which need not be told. */
  processId: uuid,
  occurredAt: time,
}

export const circuitEvents = {
  /** Calls failed one after the other, or the one that tried again did. */
  'rungate.CircuitOpened.v1': z.object({ ...ofCircuit, failures: z.int().min(0), waitMs: z.int().min(0) }),
  /** One call may try. */
  'rungate.CircuitProbed.v1': z.object(ofCircuit),
  'rungate.CircuitClosed.v1': z.object(ofCircuit),
}
export type CircuitEvent = EventOf<typeof circuitEvents>
