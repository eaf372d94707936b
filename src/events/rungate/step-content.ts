/** What a step was asked and answered. Stream `rungate.content-<id of the step>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { time, uuid } from './vocabulary.ts'

const bytes = z.int().min(0)

export const stepContentEvents = {
  'rungate.StepContentLogged.v1': z.object({
    ...{ accountId: uuid, agentId: uuid, runId: uuid, stepId: uuid, occurredAt: time },
    /** In UTC; the key in the vault is this account's of this day, with which the contents are destroyed. */
    day: z.iso.date(),
    /** JSON, sealed; a longer one is `{"truncated":true,"bytes":…}`. Null: there was none. */
    sealedRequest: z.string().nullable(),
    requestBytes: bytes,
    sealedResponse: z.string().nullable(),
    responseBytes: bytes,
  }),
}
export type StepContentEvent = EventOf<typeof stepContentEvents>
export type StepContentFacts = StepContentEvent['data']
