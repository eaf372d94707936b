/** Rungate's processes: which role runs each, what it is called, and its limits from the settings. */
import { randomUUID } from 'node:crypto'
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../context.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { KeyRing } from '../../vault/key-ring.ts'
import { createObjectKeys, type ObjectKeys } from '../../vault/object-keys.ts'
import { newWebhookHealth } from '../../webhooks/process.ts'
import { commonLimits, deliveryBus } from '../../webhooks/settings.ts'
import { mailProcess } from '../mail.ts'
import { newProcessHealth } from '../process.ts'
import { ALERTS, runAlerts } from './alerts.ts'
import { COMPLETION, runCompletion } from './completion.ts'
import { openDesks } from './desks.ts'
import { runRungateMail } from './mail.ts'
import { createPeopleDigests } from './people-digests.ts'
import { RETENTION, runRetention } from './retention.ts'
import { RUN_SWEEPER, runRunSweeper } from './run-sweeper.ts'
import { rungateSettings } from './settings.ts'
import { runRungateWebhooks, WEBHOOKS } from './webhooks.ts'

/** Keys in memory; one that another process destroys is noticed within this time. */
const CACHE = { cachedMax: 1_000, ttlMs: 5_000 }

export const providerSecretsOf = (db: ReadModels, ring: KeyRing): ObjectKeys => createObjectKeys(db, ring, CACHE)

function startCompletion({ bus, db, keyRing, apiUrl, settings, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const given = settings(rungateSettings)
  const expiry = { intervalMs: given.RUNGATE_EXPIRY_INTERVAL_MS, batchMax: given.RUNGATE_EXPIRY_BATCH_MAX }
  const graceMs = given.RUNGATE_COMPLETION_GRACE_MS
  const providerSecrets = providerSecretsOf(db, keyRing)
  const own = {
    ...{ bus, providerSecrets, graceMs, expiry, apiUrl, people: createPeopleDigests(providerSecrets) },
    webhooksMax: given.RUNGATE_WEBHOOKS_MAX,
    tokensMax: given.RUNGATE_ADMIN_TOKENS_MAX,
  }
  return { ended: runCompletion({ ...dependenciesOf(COMPLETION, health), ...own }), health }
}

const MAIL = mailProcess('rungate')

function startMail({ bus, registry, settings, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const own = { bus, registry, settings: settings(rungateSettings) }
  return { ended: runRungateMail({ ...dependenciesOf(MAIL, health), ...own }), health }
}

function startRunSweeper(parts: ContextParts): RunningProcess {
  const { services, clock, settings, dependenciesOf } = parts
  const health = newProcessHealth()
  const of = settings(rungateSettings)
  const desks = openDesks(parts, randomUUID())
  const limits = {
    ...{ runsIntervalMs: of.RUN_SWEEP_INTERVAL_MS, callsIntervalMs: of.CALL_SWEEP_INTERVAL_MS },
    batchMax: of.RUN_SWEEP_BATCH_MAX,
  }
  // Nobody outlives a store that stops with its instance; whoever admits calls now began after this process did.
  const beganAt = new Date(clock.now().getTime() - performance.now())
  const processesGoneBefore = services.eventStore.kind === 'embedded' ? beganAt : undefined
  const ended = runRunSweeper({ ...dependenciesOf(RUN_SWEEPER, health), desks, limits, processesGoneBefore })
  return { ended: ended.finally(() => desks.close()), health }
}

function startRetention({ bus, db, keyRing, settings, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const own = settings(rungateSettings)
  const sweep = { intervalMs: own.RUNGATE_RETENTION_INTERVAL_MS, batchMax: own.RUNGATE_RETENTION_BATCH_MAX }
  const keys = providerSecretsOf(db, keyRing)
  const deliveriesDays = own.RUNGATE_WEBHOOK_DELIVERIES_DAYS
  return { ended: runRetention({ ...dependenciesOf(RETENTION, health), bus, keys, sweep, deliveriesDays }), health }
}

function startAlerts({ bus, settings, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const own = settings(rungateSettings)
  const sweep = { intervalMs: own.RUNGATE_ALERTS_INTERVAL_MS, batchMax: own.RUNGATE_ALERTS_BATCH_MAX }
  return { ended: runAlerts({ ...dependenciesOf(ALERTS, health), bus, sweep }), health }
}

function startWebhooks(parts: ContextParts): RunningProcess {
  const { config, store, db, keyRing, settings, dependenciesOf } = parts
  const health = newWebhookHealth()
  const own = settings(rungateSettings)
  const bus = deliveryBus(store, config)
  const limits = {
    ...commonLimits(config),
    timeoutMs: own.RUNGATE_WEBHOOK_TIMEOUT_MS,
    excerptMaxBytes: own.RUNGATE_WEBHOOK_EXCERPT_MAX_BYTES,
    scheduleMs: own.RUNGATE_WEBHOOK_RETRY_WAITS_MS,
    ...{ jitterRatio: 0, retryAfterMaxMs: 0, failuresMax: own.RUNGATE_WEBHOOK_FAILURES_MAX },
    sweep: { intervalMs: own.RUNGATE_RETENTION_INTERVAL_MS, batchMax: own.RUNGATE_RETENTION_BATCH_MAX },
  }
  const keys = providerSecretsOf(db, keyRing)
  return { ended: runRungateWebhooks({ ...dependenciesOf(WEBHOOKS, health), bus, keys, limits }), health }
}

export const rungateProcesses: readonly ProcessDeclaration[] = [
  { leads: [COMPLETION], role: 'relay', start: startCompletion },
  { leads: [RUN_SWEEPER], role: 'relay', start: startRunSweeper },
  { leads: [MAIL], role: 'relay', start: startMail },
  { leads: [ALERTS], role: 'relay', start: startAlerts },
  { leads: [RETENTION], role: 'relay', start: startRetention },
  { leads: [WEBHOOKS], role: 'webhooks', start: startWebhooks },
]
