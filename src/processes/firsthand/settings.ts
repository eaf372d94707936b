/** Firsthand's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'

const count = (fallback: number) => z.coerce.number().int().positive().default(fallback)

export const firsthandSettings = z.object({
  FIRSTHAND_KEYS_MAX: count(100).describe('API keys of one organization that work at a time'),
  FIRSTHAND_KEY_OVERLAP_S: count(86_400).describe('how long an API key works on after it was rotated'),
  FIRSTHAND_KEY_USE_GAP_S: count(900).describe('least time between two notes of an API key’s use'),
  FIRSTHAND_SWEEP_INTERVAL_MS: count(5_000).describe('between looks at credits that come to their end'),
  FIRSTHAND_SWEEP_BATCH_MAX: count(500).describe('wallets that one such look finds'),
})
