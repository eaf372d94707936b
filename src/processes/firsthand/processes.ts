/**
 * Firsthand's processes: which role runs each, what it is called, and its limits from the settings. What an API does
 * not load anyway is loaded where it runs.
 */
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../context.ts'
import { newWebhookHealth } from '../../webhooks/process.ts'
import { commonLimits, deliveryBus } from '../../webhooks/settings.ts'
import { newProcessHealth } from '../process.ts'
import { openObjects } from './objects.ts'
import { openPayments } from './payment-access.ts'
import { JANITOR, PAYMENTS, SETTLEMENT, WEBHOOKS } from './process-names.ts'
import { firsthandSettings } from './settings.ts'
import { scorerProcesses } from './start-scorer.ts'
import { endpointKeysOf, runFirsthandWebhooks } from './webhooks.ts'

function startSettlement({ bus, settings, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const { FIRSTHAND_SWEEP_INTERVAL_MS: intervalMs, FIRSTHAND_SWEEP_BATCH_MAX: batchMax } = settings(firsthandSettings)
  const options = { ...dependenciesOf(SETTLEMENT, health), bus, sweep: { intervalMs, batchMax } }
  const ended = import('./settlement.ts').then(({ runSettlement }) => runSettlement(options))
  return { ended, health }
}

function startWebhooks(parts: ContextParts): RunningProcess {
  const { config, store, db, keyRing, settings, dependenciesOf } = parts
  const health = newWebhookHealth()
  const bus = deliveryBus(store, config)
  const options = {
    ...dependenciesOf(WEBHOOKS, health),
    bus,
    keys: endpointKeysOf(db, keyRing),
    limits: {
      ...commonLimits(config),
      scheduleMs: settings(firsthandSettings).FIRSTHAND_WEBHOOK_RETRY_WAITS_MS,
      jitterRatio: 0,
    },
  }
  const ended = openObjects(parts).then((objects) => runFirsthandWebhooks({ ...options, objects }))
  return { ended, health }
}

function startPayments(parts: ContextParts): RunningProcess {
  const { bus, settings, dependenciesOf } = parts
  const health = newProcessHealth()
  const of = settings(firsthandSettings)
  const limits = {
    ...{ intervalMs: of.FIRSTHAND_SWEEP_INTERVAL_MS, batchMax: of.FIRSTHAND_SWEEP_BATCH_MAX },
    ...{ sessionAgeMs: of.FIRSTHAND_PURCHASE_SWEEP_AGE_MS, topUpWaitsMs: of.FIRSTHAND_TOP_UP_RETRY_WAITS_MS },
  }
  const dependencies = dependenciesOf(PAYMENTS, health)
  const run = async () => {
    const [{ runPayments }, paymentsOf] = await Promise.all([import('./payments.ts'), openPayments(parts)])
    await runPayments({ ...dependencies, bus, paymentsOf, limits })
  }
  return { ended: run(), health }
}

function startJanitor(parts: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const given = parts.settings(firsthandSettings)
  const janitor = {
    ...{ intervalMs: given.FIRSTHAND_SWEEP_INTERVAL_MS, batchMax: given.FIRSTHAND_SWEEP_BATCH_MAX },
    uploadTtlMs: given.FIRSTHAND_UPLOAD_TTL_S * 1_000,
    uploadSweepMs: given.FIRSTHAND_UPLOAD_SWEEP_INTERVAL_MS,
  }
  const open = () => openObjects(parts)
  const options = { ...parts.dependenciesOf(JANITOR, health), bus: parts.bus, janitor, open }
  const ended = import('./janitor.ts').then(({ runJanitor }) => runJanitor(options))
  return { ended, health }
}

export const firsthandProcesses: readonly ProcessDeclaration[] = [
  { leads: [SETTLEMENT], role: 'relay', start: startSettlement },
  { leads: [JANITOR], role: 'relay', start: startJanitor },
  { leads: [PAYMENTS], role: 'relay', start: startPayments },
  { leads: [WEBHOOKS], role: 'webhooks', start: startWebhooks },
  ...scorerProcesses,
]
