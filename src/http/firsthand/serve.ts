/** What firsthand's HTTP works with, and the sandbox organization that an instance makes for those who try it. */
import { textIdOf } from '../../commands/firsthand/api-key.ts'
import type { ApiParts, Served } from '../../context.ts'
import { openObjects } from '../../processes/firsthand/objects.ts'
import { openPayments } from '../../processes/firsthand/payment-access.ts'
import { ensureSandbox } from '../../processes/firsthand/sandbox.ts'
import { claimLimitsOf, firsthandSettings } from '../../processes/firsthand/settings.ts'
import { endpointKeysOf } from '../../processes/firsthand/webhooks.ts'
import { newProcessHealth } from '../../processes/process.ts'
import { untilSo } from '../../runtime/until-so.ts'
import { createResolve } from '../../webhooks/request.ts'
import type { FirsthandParts } from './access.ts'
import type { FirsthandDirectories } from './directories.ts'
import { createKeyUse } from './keys/key-use.ts'

/** How long the first key may take to be known before the API is announced. */
const SANDBOX_WAIT_MAX_MS = 10_000

export async function serveFirsthand(parts: ApiParts<FirsthandDirectories>): Promise<Served> {
  const { config, bus, db, waiter, clock, keyRing } = parts
  const objects = await openObjects(parts)
  const settings = parts.settings(firsthandSettings)
  const { credentials, workers: workerCredentials, waits } = parts.directories
  parts.onDrain(() => waits.endAll())
  const { log } = parts.dependenciesOf('firsthand-keys', newProcessHealth())
  const own: FirsthandParts = {
    ...{ bus, db, waiter, clock: clock.now, credentials },
    instanceKeys: keyRing.all,
    ...{ waits, objects },
    transferLimits: {
      uploadsMax: settings.FIRSTHAND_UPLOADS_MAX,
      downloadsMax: settings.FIRSTHAND_DOWNLOADS_MAX,
      idleMs: settings.FIRSTHAND_TRANSFER_IDLE_MS,
    },
    ...{ payments: await openPayments(parts), log, publicUrl: config.PUBLIC_URL },
    workerCredentials,
    claimLimits: claimLimitsOf(settings),
    noteUse: createKeyUse({ bus, log, clock: clock.now, gapMinMs: settings.FIRSTHAND_KEY_USE_GAP_S * 1_000 }),
    perMinute: {
      jobsMax: settings.FIRSTHAND_JOBS_PER_MINUTE_MAX,
      jobReadsMax: settings.FIRSTHAND_JOB_READS_PER_MINUTE_MAX,
      requestsMax: settings.FIRSTHAND_REQUESTS_PER_MINUTE_MAX,
      workerRequestsMax: settings.FIRSTHAND_WORKER_REQUESTS_PER_MINUTE_MAX,
    },
    keysMax: settings.FIRSTHAND_KEYS_MAX,
    keyOverlapMs: settings.FIRSTHAND_KEY_OVERLAP_S * 1_000,
    keyKnownWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
    webhooks: {
      keys: endpointKeysOf(db, keyRing),
      resolve: createResolve(),
      allowLoopback: config.WEBHOOK_ALLOW_PRIVATE,
      endpointsMax: settings.FIRSTHAND_WEBHOOK_ENDPOINTS_MAX,
      overlapMs: settings.FIRSTHAND_WEBHOOK_SECRET_OVERLAP_S * 1_000,
    },
  }
  return {
    parts: own,
    gauges: [
      {
        name: 'opslog_firsthand_job_waits',
        help: 'Requests that wait for the end of a job',
        read: waits.waiting,
      },
    ],
    async firstRun(url) {
      const sandbox = await ensureSandbox(bus, config.DATA_DIR, `${url}/firsthand`, clock.now)
      const textId = textIdOf(sandbox.apiKey) ?? ''
      await untilSo(SANDBOX_WAIT_MAX_MS, () => credentials.find(textId) !== undefined)
      return { ...sandbox, member: 'live_key', path: '/firsthand/v1/billing/credits' }
    },
  }
}
