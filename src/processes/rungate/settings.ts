/** Rungate's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'
import { count, list } from '../../runtime/setting.ts'

export const rungateSettings = z.object({
  RUNGATE_REGISTRATIONS_PER_HOUR_MAX: count(10).describe(
    'accounts that one client address may register within an hour',
  ),
  RUNGATE_TOKEN_USE_GAP_S: count(900).describe('least time between two notes of an admin token’s use'),
  RUNGATE_COMPLETION_GRACE_MS: count(10_000).describe(
    'how long a request may take for what needs several streams, before the process that finishes such things steps in',
  ),
  PROVIDER_ALLOW_PRIVATE: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('whether provider keys may lead to loopback, by http too; unset: where the API listens on loopback only'),
  PROVIDER_HOSTS: list(z.string(), []).describe(
    'further hosts and networks that provider keys may lead to, by http too: `llm.internal,10.1.0.0/16`',
  ),
})
