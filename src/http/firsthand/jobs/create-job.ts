/** POST /v1/jobs: posts a job and holds the credits for all of it, once per idempotency key. */
import { z } from '@hono/zod-openapi'
import { pricesOf } from '../../../commands/firsthand/job.ts'
import { organization, organizationNotFound } from '../../../commands/firsthand/organization.ts'
import { topUpRuleOf } from '../../../commands/firsthand/organization-payments.ts'
import { postJob } from '../../../commands/firsthand/posting.ts'
import { format, jobType } from '../../../events/firsthand/vocabulary.ts'
import { postedJob } from '../../../projections/firsthand/job.ts'
import { camel } from '../../../runtime/letter-case.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { boundedText, listOf } from '../../schemas.ts'
import { buyerKey, write } from '../access.ts'
import { jobResponse, jobView } from './job-view.ts'
import { metadata } from './metadata.ts'

const DESCRIPTION = { minLength: 10, maxLength: 5_000 }
const FORMATS = { minItems: 1, maxItems: 8 }
/** A description and metadata, however they are escaped. */
const BODY_MAX_BYTES = 262_144

/** Its bounds are of code points, of which one may take two units. */
const description = boundedText(2 * DESCRIPTION.maxLength)
  .refine((text) => text.trim() !== '', 'must not be blank')
  .refine((text) => {
    const { length } = [...text]
    return length >= DESCRIPTION.minLength && length <= DESCRIPTION.maxLength
  }, `must have ${DESCRIPTION.minLength} to ${DESCRIPTION.maxLength} characters`)
  .openapi(DESCRIPTION)

const request = z
  .object({
    type: jobType,
    description,
    files_needed: z.int().min(1).max(10_000),
    accepted_formats: listOf(format, FORMATS.maxItems)
      .refine((formats) => formats.length >= FORMATS.minItems, 'must name a format')
      .transform((formats) => [...new Set(formats)])
      .openapi(FORMATS),
    price_per_file_cents: z.int().min(1).max(100_000),
    metadata: metadata.optional(),
  })
  .openapi('CreateJobRequest')

export const createJob = write({
  path: '/v1/jobs',
  id: 'createJob',
  tags: ['Jobs'],
  summary: 'Post a job for files',
  access: buyerKey('jobs:write'),
  rate: 'createJob',
  headers: z.object({ 'idempotency-key': z.string('is required: a key of your own for this job') }),
  key: headerKey('idempotency-key', { isRequired: true }),
  body: request,
  bodyMaxBytes: BODY_MAX_BYTES,
  answers: { 201: json(jobResponse, 'The job is posted, and its credits are held.') },
  refuses: ['insufficient_credits', 'credits_owed', 'organization_not_found'],
  async handle({ bus, principal: { organizationId, environment }, body, command }) {
    const buyer = await bus.current(organization, organizationId)
    if (buyer.status === 'absent') throw organizationNotFound()
    const { files_needed, price_per_file_cents, metadata = {}, ...rest } = body
    const facts = {
      ...{ organizationId, environment, jobId: prefixedId('job', command.at, command.commandId) },
      ...{ ...camel(rest), filesNeeded: files_needed, metadata, createdAt: command.at },
      ...pricesOf(files_needed, price_per_file_cents, buyer.settings.defaultPlatformFeePct),
    }
    const posted = await postJob(bus, facts, topUpRuleOf(buyer.settings, environment), command)
    return { status: 201, body: jobView(postedJob(posted.facts)), handled: posted.handled }
  },
})
