/** One organization, its wallet and its job, as the tests of firsthand's decisions tell their stories. */

import { pricesOf } from '../../../src/commands/firsthand/job.ts'
import type { JobFacts } from '../../../src/events/firsthand/job.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'

/** A minute of the story: `at(5)` is five past nine. */
export const at = (minute: number): string => new Date(Date.UTC(2026, 2, 2, 9, 0, 0) + minute * 60_000).toISOString()
/** So many days after its beginning. */
export const day = (days: number): string => at(days * 24 * 60)

export const organizationId = prefixedId('org', at(0), 'acme')
export const live = { organizationId, environment: 'live' as const }
export const inTest = { organizationId, environment: 'test' as const }

export const jobFacts = (
  name = 'a job',
  { files = 4, price = 25, environment = 'live' as JobFacts['environment'], fee = null as string | null } = {},
): JobFacts => ({
  ...{ organizationId, environment, jobId: prefixedId('job', at(1), name) },
  type: 'data_collection',
  description: 'Pictures of doors, each from the street',
  filesNeeded: files,
  acceptedFormats: ['image/jpeg'],
  metadata: {},
  createdAt: at(1),
  ...pricesOf(files, price, fee),
})
