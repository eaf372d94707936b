/** Noctant's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'
import { count, milliseconds } from '../../runtime/setting.ts'

export const noctantSettings = z.object({
  // API keys and launches
  REQUESTS_PER_MINUTE_MAX: count(600).describe(
    'requests of an operator on the tier standard; on pro five times, on enterprise fifty times as many',
  ),
  API_KEYS_PER_OPERATOR_MAX: count(100).describe('API keys of one operator that work at a time'),
  API_KEY_ROTATIONS_PER_MINUTE_MAX: count(30).describe('rotations of API keys of one operator, whatever its tier'),
  API_KEY_ROTATION_GRACE_S: count(300).describe('seconds that an API key works on after it was replaced'),
  LAUNCH_TOKEN_TTL_S: count(300).describe('how long the link of a launch can be used'),
  BROWSER_SESSION_TTL_S: count(28_800).describe('how long a browser stays in the hosted terminal'),
  HOSTED_PAGES_PER_MINUTE_MAX: count(600).describe('requests for hosted pages per client address'),

  // Relay and engine ingest
  RELAY_CONCURRENCY_MAX: count(64).describe('accounts whose commands are published at once'),
  REPUBLISH_BACKOFF_MIN_MS: milliseconds(3_000).describe('wait for the engine before a command is sent again'),
  REPUBLISH_BACKOFF_MAX_MS: milliseconds(60_000),
  REPUBLISH_ATTEMPTS_MAX: count(15).describe('sends after the first; then the command is dead-lettered'),
  SWEEP_INTERVAL_MS: milliseconds(1_000),
  SWEEP_BATCH_MAX: count(500),
  INGEST_ACK_PENDING_MAX: count(500),
  INGEST_ACK_WAIT_MS: milliseconds(30_000),
  INGEST_ACCOUNTS_CACHE_MAX: count(50_000),
  RESEND_INTERVAL_MS: milliseconds(2_000).describe('between requests to fill the same gap in the engine’s log'),

  // Challenge rules
  CHALLENGE_RECORD_INTERVAL_MS: milliseconds(10_000).describe(
    'how often figures that only the market moves are recorded',
  ),
  CHALLENGE_SWEEP_INTERVAL_MS: milliseconds(5_000).describe('between looks at challenges that the clock decides'),
  CHALLENGE_GRACE_MS: milliseconds(5_000).describe('how long after the fact the clock decides'),
  CHALLENGE_SWEEP_BATCH_MAX: count(1_000),
  CHALLENGE_CONCURRENCY_MAX: count(16).describe('accounts whose challenges are looked at at once'),
  CHALLENGE_ACCOUNTS_CACHE_MAX: count(50_000),

  // Webhooks
  WEBHOOK_SECRET_OVERLAP_MS: milliseconds(86_400_000).describe(
    'how long a replaced webhook secret signs together with the new one',
  ),
  WEBHOOK_REPLAY_WINDOW_MAX_DAYS: count(31),
})
export type NoctantSettings = z.output<typeof noctantSettings>
