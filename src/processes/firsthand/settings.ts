/** Firsthand's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'
import { objectStoreSettings } from '../../adapters/object-store/settings.ts'
import type { ClaimLimits } from '../../commands/firsthand/claiming.ts'
import { count, schedule } from '../../runtime/setting.ts'
import { scoringSettings } from './scoring-settings.ts'

const secret = z.string().min(1).optional()
/** A job ends its open seats in one append, of which a store takes 1 MiB: an end of a seat has 0.9 KB. */
const OPEN_SEATS_LIMIT = 1_000

export const firsthandSettings = z.object({
  FIRSTHAND_JOBS_PER_MINUTE_MAX: count(100).describe(
    'new jobs of one organization on the tier standard; on pro five times, on enterprise fifty times as many',
  ),
  FIRSTHAND_JOB_READS_PER_MINUTE_MAX: count(300).describe('the same of reads of jobs'),
  FIRSTHAND_REQUESTS_PER_MINUTE_MAX: count(60).describe('the same of other requests'),
  FIRSTHAND_WORKER_REQUESTS_PER_MINUTE_MAX: count(600).describe('requests of one worker'),
  FIRSTHAND_KEYS_MAX: count(100).describe('API keys of one organization that work at a time'),
  FIRSTHAND_KEY_OVERLAP_S: count(86_400).describe('how long an API key works on after it was rotated'),
  FIRSTHAND_KEY_USE_GAP_S: count(900).describe('least time between two notes of an API key’s use'),
  STRIPE_SECRET_KEY: secret.describe('Stripe’s key for live purchases; unset: a stand-in for Stripe, in DATA_DIR'),
  STRIPE_WEBHOOK_SECRET: secret.describe('what Stripe signs its live events with'),
  STRIPE_TEST_SECRET_KEY: secret.describe('Stripe’s key for purchases of the test environment'),
  STRIPE_TEST_WEBHOOK_SECRET: secret.describe('what Stripe signs its events of tests with'),
  STRIPE_STAND_IN: z
    .enum(['auto', 'on'])
    .default('auto')
    .describe('whether the stand-in may serve; auto: with the embedded event store only'),
  FIRSTHAND_PURCHASE_SWEEP_AGE_MS: count(300_000).describe('after this time Stripe is asked what became of a checkout'),
  FIRSTHAND_TOP_UP_RETRY_WAITS_MS: schedule([3_600_000, 21_600_000, 86_400_000]).describe(
    'before a card that was declined is charged again for a top-up; after the last attempt top-ups are switched off',
  ),
  FIRSTHAND_WEBHOOK_ENDPOINTS_MAX: count(16).describe('webhook endpoints of one organization in one environment'),
  FIRSTHAND_WEBHOOK_RETRY_WAITS_MS: schedule([60, 240, 1_500, 5_400, 21_600].map((s) => s * 1_000)).describe(
    'before the second attempt, the third, …: by default 1 min, 5 min, 30 min, 2 h and 8 h after the first',
  ),
  FIRSTHAND_WEBHOOK_SECRET_OVERLAP_S: count(86_400).describe('how long a webhook secret signs on after its rotation'),
  FIRSTHAND_UPLOADS_MAX: count(64).describe('uploads at once in one API process, into the directory of objects'),
  FIRSTHAND_DOWNLOADS_MAX: count(256).describe('downloads at once in one API process, from the directory of objects'),
  FIRSTHAND_TRANSFER_IDLE_MS: count(30_000).describe(
    'an upload or a download at which nothing moves for so long is cut',
  ),
  FIRSTHAND_UPLOAD_TTL_S: count(86_400).describe('how old an upload becomes that nobody submits'),
  FIRSTHAND_UPLOAD_SWEEP_INTERVAL_MS: count(600_000).describe('between sweeps of such uploads'),
  ...objectStoreSettings.shape,
  ...scoringSettings.shape,
  FIRSTHAND_SWEEP_INTERVAL_MS: count(5_000).describe('between looks at credits and claims that come to their end'),
  FIRSTHAND_SWEEP_BATCH_MAX: count(500).describe('wallets, and claims, that one such look finds'),
  FIRSTHAND_CLAIM_TTL_S: count(1_800).describe('how long a worker has a seat without submitting'),
  FIRSTHAND_OPEN_SEATS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(OPEN_SEATS_LIMIT)
    .default(500)
    .describe('seats of one job that are open at a time, 1,000 at most'),
  FIRSTHAND_WORKER_CLAIMS_MAX: count(3).describe('open claims of one worker in one job'),
  FIRSTHAND_WORKER_CLAIMS_PER_DAY_MAX: count(50).describe('claims of one worker and UTC day'),
})

/** How long workers have seats, and how many. */
export const claimLimitsOf = (settings: z.output<typeof firsthandSettings>): ClaimLimits => ({
  claimTtlMs: settings.FIRSTHAND_CLAIM_TTL_S * 1_000,
  openSeatsMax: settings.FIRSTHAND_OPEN_SEATS_MAX,
  workerClaimsMax: settings.FIRSTHAND_WORKER_CLAIMS_MAX,
  workerClaimsPerDayMax: settings.FIRSTHAND_WORKER_CLAIMS_PER_DAY_MAX,
})
