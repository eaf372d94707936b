/** POST media/jobs: holds the price and asks for the job, once per key. */
import { randomUUID } from 'node:crypto'
import type { z } from '@hono/zod-openapi'
import { mediaRequestIdOf } from '../../../commands/killatamata/ids.ts'
import { prepareJob } from '../../../processes/killatamata/media/preparing.ts'
import { submitJob } from '../../../processes/killatamata/media/submitting.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import type { Caller } from '../../operation.ts'
import { accountKey, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { REQUEST_KEY, sentRequestKey } from '../request-key.ts'
import { orStoreAway } from '../store-away.ts'
import { mediaJobRequest } from './inputs.ts'
import { submitAnswer, submitView } from './views.ts'

/** Pictures and recordings in base64. */
const BODY_MAX_BYTES = 33_554_432

/** In the body or in the header; in both it is the same. Undefined: each sending is a job of its own. */
function keyOf({ idempotencyKey }: { idempotencyKey?: string | undefined }, caller: Caller): string | undefined {
  const sent = sentRequestKey(caller)
  if (sent !== undefined && idempotencyKey !== undefined && sent !== idempotencyKey) {
    throw new Problem<KillatamataCode>('conflicting_inputs', `idempotencyKey and ${REQUEST_KEY} are different.`, {
      errors: [{ pointer: '/idempotencyKey', code: 'conflicting_inputs', detail: `differs from ${REQUEST_KEY}` }],
    })
  }
  return idempotencyKey ?? sent
}

/** Everything but the key decides what the request does. */
type JobFacts = Omit<z.output<typeof mediaJobRequest>, 'idempotencyKey'>

export const submitMediaJob = write({
  path: '/api/v1/media/jobs',
  id: 'submitMediaJob',
  tags: ['media'],
  summary: 'Submit media job',
  description:
    'Holds the price of the job and queues it. A job that fails costs nothing. `inputAdjustments` has everything that runs differently ' +
    'from what was asked. With `idempotencyKey` a repeat answers with the same job.',
  access: accountKey,
  facts: ({ body: { idempotencyKey: _, ...facts } }): JobFacts => facts,
  key: {
    ...{ from: 'facts', member: 'idempotencyKey' },
    key: (_facts: JobFacts, _, { body, caller }) => keyOf(body, caller) ?? randomUUID(),
  },
  body: mediaJobRequest,
  bodyMaxBytes: BODY_MAX_BYTES,
  answers: { 201: json(submitAnswer, 'The job is queued, and its price held.') },
  refuses: [
    ...(['insufficient_balance', 'media_input_invalid', 'conflicting_inputs', 'invalid_frame_count'] as const),
    ...(['frame_budget_exceeded', 'url_not_allowed', 'task_unavailable', 'job_abandoned', 'hold_ended'] as const),
  ],
  async handle({ media, principal: { accountId }, body, caller, command }) {
    const isKeyed = keyOf(body, caller) !== undefined
    const own = isKeyed ? command : { ...command, fingerprint: undefined, startsStream: true }
    const { task, input, completionCallbackUrl } = body
    const prepare = () => orStoreAway(() => prepareJob(media, { task, input, completionCallbackUrl }))
    const { facts, handled } = await submitJob(media, accountId, mediaRequestIdOf(command.commandId), prepare, own)
    return { status: 201, body: submitView(facts), handled }
  },
})
