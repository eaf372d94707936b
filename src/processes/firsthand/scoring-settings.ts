/** Variables of the environment for inspection, scoring, the vision model and sandbox workers, each with its unit last. */
import { z } from 'zod'
import { inspectorLimits } from '../../adapters/inspection/inspector.ts'
import { count, schedule } from '../../runtime/setting.ts'

const text = z.string().min(1).optional()

/** Ten seconds, a minute, then every five minutes: half an hour in all. */
const MODEL_WAITS_MS = [10_000, 60_000, 300_000, 300_000, 300_000, 300_000, 300_000, 230_000]

/** Ten seconds, a minute, five, and half an hour. */
const ORIGINAL_WAITS_MS = [10_000, 60_000, 300_000, 1_800_000]

export const scoringSettings = z.object({
  FIRSTHAND_INSPECTION_MAX_MS: count(inspectorLimits.timeMaxMs).describe(
    'for one file; then its inspector is killed, unless it has waited for a processor',
  ),
  FIRSTHAND_INSPECTION_MEMORY_MAX_BYTES: count(inspectorLimits.memoryMaxBytes).describe(
    'that an inspector may hold; then it is killed',
  ),
  FIRSTHAND_INSPECTION_RETRY_MS: count(1_000).describe('before a file that has ended its inspector is tried again'),
  FIRSTHAND_ORIGINAL_RETRY_SCHEDULE_MS: schedule(ORIGINAL_WAITS_MS).describe(
    'waits for an original that is missing or damaged; after the last one its submission is set aside',
  ),
  FIRSTHAND_SCORING_MAX: count(4).describe('submissions that are scored at once'),
  FIRSTHAND_SCORING_PER_ORGANIZATION_MAX: count(2).describe('submissions of one organization that are scored at once'),
  FIRSTHAND_SCORING_POLL_INTERVAL_MS: count(500).describe('between looks at what is due for a score'),
  FIRSTHAND_SCORING_BATCH_MAX: count(200).describe('submissions that one such look finds'),
  VISION_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('chat endpoint of a model that looks at pictures; unset: none does'),
  VISION_MODEL: text.describe('name of that model'),
  VISION_KEY: text.describe('bearer token for that endpoint'),
  VISION_TIMEOUT_MS: count(30_000).describe('for one answer of the model'),
  VISION_RETRY_SCHEDULE_MS: schedule(MODEL_WAITS_MS).describe(
    'waits for a model that does not answer; after the last one the inspection alone decides',
  ),
  FIRSTHAND_SANDBOX_COMPLETION_MS: count(15_000).describe('from the posting of a test job to its completion'),
  FIRSTHAND_SANDBOX_POLL_INTERVAL_MS: count(250).describe('between looks at test jobs'),
  FIRSTHAND_SANDBOX_BATCH_MAX: count(100).describe('files of one test job that one look begins'),
  FIRSTHAND_SANDBOX_CONCURRENCY_MAX: count(8).describe('files of one test job that are made and uploaded at once'),
})
export type ScoringSettings = z.output<typeof scoringSettings>
