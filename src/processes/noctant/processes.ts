/** Noctant's processes: which role runs each, what it is called, and its limits from the settings. */
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../context.ts'
import { newWebhookHealth } from '../../webhooks/process.ts'
import { openSecret } from '../../webhooks/secret.ts'
import { commonLimits, deliveryBus } from '../../webhooks/settings.ts'
import { newProcessHealth } from '../process.ts'
import { runChallengeRules } from './challenge-rules.ts'
import { newCommandPathHealth, runCommandPath } from './command-path.ts'
import { runPayoutExecution } from './payout-execution.ts'
import { noctantSettings } from './settings.ts'
import { runWebhooks } from './webhooks.ts'

/** Relay, sweeper and engine ingest. */
function startRelay({ settings, services, dependenciesOf }: ContextParts): RunningProcess {
  const health = newCommandPathHealth()
  const own = settings(noctantSettings)
  const ended = runCommandPath({
    ...dependenciesOf('relay', health),
    stream: services.stream.stream,
    limits: {
      concurrencyMax: own.RELAY_CONCURRENCY_MAX,
      republishBackoffMinMs: own.REPUBLISH_BACKOFF_MIN_MS,
      republishBackoffMaxMs: own.REPUBLISH_BACKOFF_MAX_MS,
      republishAttemptsMax: own.REPUBLISH_ATTEMPTS_MAX,
      sweepIntervalMs: own.SWEEP_INTERVAL_MS,
      sweepBatchMax: own.SWEEP_BATCH_MAX,
      ackPendingMax: own.INGEST_ACK_PENDING_MAX,
      ackWaitMs: own.INGEST_ACK_WAIT_MS,
      accountsCacheMax: own.INGEST_ACCOUNTS_CACHE_MAX,
      resendIntervalMs: own.RESEND_INTERVAL_MS,
    },
  })
  const gauge = (name: string, help: string, read: () => number) => ({ name, help, read })
  return {
    ended,
    health,
    async probe() {
      const { state, fault, quarantined, gaps } = health
      return { up: state !== 'halted', state, quarantined, gaps, ...(fault ? { error: fault } : {}) }
    },
    gauges: [
      gauge('opslog_relay_commands', 'Engine commands relayed since the start', () => health.handled),
      gauge('opslog_engine_events_quarantined', 'Engine events set aside since the start', () => health.quarantined),
      gauge('opslog_engine_log_gaps', 'Gaps seen in the engine’s log since the start', () => health.gaps),
    ],
  }
}

/** Carries payouts to the accounts and the engine's word on them back. */
function startPayouts({ bus, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  return { ended: runPayoutExecution({ ...dependenciesOf('payouts', health), bus }), health }
}

/** Holds challenges to their rules. */
function startChallengeRules({ settings, bus, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const own = settings(noctantSettings)
  const limits = {
    recordIntervalMs: own.CHALLENGE_RECORD_INTERVAL_MS,
    sweepIntervalMs: own.CHALLENGE_SWEEP_INTERVAL_MS,
    graceMs: own.CHALLENGE_GRACE_MS,
    sweepBatchMax: own.CHALLENGE_SWEEP_BATCH_MAX,
    concurrencyMax: own.CHALLENGE_CONCURRENCY_MAX,
    accountsCacheMax: own.CHALLENGE_ACCOUNTS_CACHE_MAX,
  }
  return { ended: runChallengeRules({ ...dependenciesOf('challenge-rules', health), bus, limits }), health }
}

/** Added to a wait by chance, as a part of it. */
const WEBHOOK_JITTER_RATIO = 0.2
/** For the read models to take in the account that an engine's event is about. */
const OWNER_WAIT_MAX_MS = 30_000

/** Webhook delivery. */
function startWebhooks({ config, store, keyRing, dependenciesOf }: ContextParts): RunningProcess {
  const health = newWebhookHealth()
  const bus = deliveryBus(store, config)
  const ended = runWebhooks({
    ...dependenciesOf('webhooks', health),
    bus,
    openSecret: async (sealed, name) => openSecret(sealed, name, keyRing.all()),
    limits: {
      ...commonLimits(config),
      scheduleMs: config.WEBHOOK_RETRY_SCHEDULE_MS,
      jitterRatio: WEBHOOK_JITTER_RATIO,
      ownerWaitMaxMs: OWNER_WAIT_MAX_MS,
    },
  })
  return {
    ended,
    health,
    async probe() {
      const { state, replays } = health
      const fault = health.fault ?? replays.fault
      const up = state !== 'halted' && replays.state !== 'halted'
      return { up, state, under_way: health.underWay(), ...(fault ? { error: fault } : {}) }
    },
    gauges: [
      {
        name: 'opslog_webhook_deliveries',
        help: 'Webhook deliveries made since the start',
        read: () => health.requested,
      },
      {
        name: 'opslog_webhook_attempts_under_way',
        help: 'Requests to webhook endpoints now',
        read: () => health.underWay(),
      },
    ],
  }
}

export const noctantProcesses: readonly ProcessDeclaration[] = [
  { leads: ['relay'], role: 'relay', start: startRelay },
  { leads: ['payouts'], role: 'relay', start: startPayouts },
  { leads: ['challenge-rules'], role: 'relay', start: startChallengeRules },
  { leads: ['webhooks', 'webhook-replays'], role: 'webhooks', start: startWebhooks },
]
