/** A house comes to rest when nothing that was accepted is still on its way. */
import { expect, vi } from 'vitest'
import { gather, onDatabase } from './evidence.ts'
import type { House } from './house.ts'

/** Work that is under way, by its kind: rows that have no business there once all is done. */
const UNDER_WAY = `SELECT
  (SELECT count(*) FROM noctant_account_commands
    WHERE status NOT IN ('engine_wal_confirmed', 'dead_lettered') AND request IS NOT NULL)::int AS commands,
  (SELECT count(*) FROM noctant_corrections WHERE status IN ('publishing', 'published'))::int AS corrections,
  (SELECT count(*) FROM noctant_payout_statements WHERE account_effect_status = 'executing')::int AS payouts,
  (SELECT count(*) FROM noctant_webhook_outbox)::int AS webhooks,
  (SELECT position::text FROM opslog_checkpoints WHERE name = 'projections_noctant') AS projected,
  (SELECT position::text FROM opslog_checkpoints WHERE name = 'webhooks') AS delivered`

const QUIET_LOOKS = 3

/** Resolves when nothing is under way and the log has stood still for a few looks, prices of open positions aside. */
export async function atRest(house: House, waitMaxMs = 90_000): Promise<void> {
  let quiet = 0
  let before = ''
  await vi.waitFor(
    async () => {
      const now = await onDatabase(house, async (client) => (await client.query(UNDER_WAY)).rows[0])
      const { projected, delivered, ...underWay } = now
      const isSame = `${projected} ${delivered}` === before
      before = `${projected} ${delivered}`
      quiet = isSame ? quiet + 1 : 0
      expect(underWay).toEqual({ commands: 0, corrections: 0, payouts: 0, webhooks: 0 })
      expect(quiet).toBeGreaterThanOrEqual(QUIET_LOOKS)
      const { log } = await gather(house)
      const last = log.findLast(({ type }) => type.startsWith('noctant.'))
      expect(projected, 'the read models stand at the last event').toBe(last?.position.toString())
    },
    { interval: 300, timeout: waitMaxMs },
  )
}
