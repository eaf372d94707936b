/** What noctant's HTTP works with, and the sandbox operator that an instance makes for those who try it. */
import { randomUUID } from 'node:crypto'
import { parseApiKey } from '../../commands/noctant/api-key.ts'
import type { ApiParts, Served } from '../../context.ts'
import { firstRunContext } from '../../processes/first-run.ts'
import { importPresets } from '../../processes/noctant/presets.ts'
import { ensureSandboxOperator } from '../../processes/noctant/sandbox.ts'
import { noctantSettings } from '../../processes/noctant/settings.ts'
import { deadCommandCount } from '../../projections/noctant/account-command.ts'
import { deadWebhookCount } from '../../projections/noctant/webhook.ts'
import { untilSo } from '../../runtime/until-so.ts'
import type { NoctantParts } from './access.ts'
import type { NoctantDirectories } from './directories.ts'
import { handlerSettings } from './settings.ts'

/** How long the first key may take to be known before the API is announced. */
const SANDBOX_WAIT_MAX_MS = 10_000

export async function serveNoctant(parts: ApiParts<NoctantDirectories>): Promise<Served> {
  const { config, bus, db, store, waiter, clock, vault } = parts
  const { credentials } = parts.directories
  const core = { bus, db, store, waiter, clock: clock.now, personKeys: vault }
  const settings = parts.settings(noctantSettings)
  const endpoints = {
    async sealingKey() {
      await parts.keyRing.reload(db)
      return parts.keyRing.active()
    },
    overlapMs: settings.WEBHOOK_SECRET_OVERLAP_MS,
    allowLoopback: config.WEBHOOK_ALLOW_PRIVATE,
    attemptsMax: config.WEBHOOK_RETRY_SCHEDULE_MS.length + 1,
  }
  const own: NoctantParts = { ...core, credentials, endpoints, ...handlerSettings(config, settings) }
  return {
    parts: own,
    async firstRun(url) {
      const sandbox = await ensureSandboxOperator(bus, config.DATA_DIR, url, clock.now)
      await importPresets(bus, () => firstRunContext(randomUUID(), 'import presets', clock.now))
      const keyId = parseApiKey(sandbox.apiKey)?.keyId ?? ''
      await untilSo(SANDBOX_WAIT_MAX_MS, () => credentials.find(keyId) !== undefined)
      return { ...sandbox, member: 'api_key', path: '/noctant/v1/me' }
    },
    gauges: [
      {
        name: 'opslog_dead_letter_commands',
        help: 'Commands to the engine that were given up and not dealt with',
        read: () => deadCommandCount(db),
      },
      {
        name: 'opslog_dead_letter_webhooks',
        help: 'Webhooks that did not get through and were not dealt with',
        read: () => deadWebhookCount(db),
      },
    ],
  }
}
