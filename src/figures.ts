/**
 * How an instance is doing, as its API shows it: a probe for each thing that it depends on, and the gauges that are not
 * counted by requests. What runs in other processes is seen by what they hold and leave in Postgres.
 */
import { sql } from 'kysely'
import type { Probe } from './http/health.ts'
import type { GaugeSource } from './http/metrics.ts'
import { isUnavailable } from './postgres/database.ts'
import { withoutLeader } from './postgres/leadership.ts'
import type { CommandPathFigures } from './processes/noctant/command-path.ts'
import { deadCommandCount } from './projections/noctant/account-command.ts'
import { deadWebhookCount } from './projections/noctant/webhook.ts'
import { parkedCount } from './projections/parking.ts'
import { lagMs, type Projector, projectorName } from './projections/projector.ts'
import type { ContextProjector, Parts } from './roles.ts'
import type { WebhookFigures } from './webhooks/process.ts'

/** Heartbeats that may be missing before a projector that sees nothing else counts as late. */
const HEARTBEATS_LATE_MAX = 2
/** A projector that is further behind is late. */
const LAG_MAX_MS = 30_000
/** What one process of an installation leads at a time, whichever it is. */
const PROCESS_LEADERS = ['relay', 'payouts', 'challenge-rules', 'seals', 'webhooks', 'webhook-replays']

const leadersOf = (contexts: Parts['contexts']): string[] => [
  ...contexts.filter(({ projections }) => projections.length > 0).map(({ name }) => projectorName(name)),
  ...PROCESS_LEADERS,
]

/** What runs in the same process, for probes and gauges. */
export interface Neighbours {
  projectors: readonly ContextProjector[]
  commandPath: CommandPathFigures | undefined
  webhooks: WebhookFigures | undefined
}

/** Processes with a probe of their own. */
const SPECIAL = ['relay', 'webhooks']

/**
 * How far the read models of a context are behind, in milliseconds. Its own last events show it; where they stand far
 * from the log's end, the heartbeats that its projector sees do, as far as they are late.
 */
async function lagOf(
  { context, projector }: ContextProjector,
  { store, clock, config }: Pick<Parts, 'store' | 'clock' | 'config'>,
): Promise<number> {
  const figures = projector.figures()
  const own = await store.head(`${context}.`)
  if (own) return lagMs(figures, own, clock.now())
  return Math.max(
    0,
    lagMs(figures, await store.head(), clock.now()) - HEARTBEATS_LATE_MAX * config.HEARTBEAT_INTERVAL_MS,
  )
}

function projectorProbe(
  { context, projector }: ContextProjector,
  parts: Pick<Parts, 'store' | 'clock' | 'config'>,
): Probe {
  return {
    name: projectorName(context),
    // A context that has halted leaves the others serving.
    required: false,
    check: async () => {
      const { state, fault, position, parkedStreams } = projector.figures()
      const lag = await lagOf({ context, projector }, parts)
      const up = state !== 'halted' && (state === 'standby' || lag < LAG_MAX_MS)
      const detail = { state, position: position?.toString() ?? null, lag_ms: lag, parked_streams: parkedStreams }
      return { up, ...detail, ...(fault ? { error: fault } : {}) }
    },
  }
}

export function probes(
  { config, contexts, services, store, db, clock, vault, processes }: Parts,
  { projectors, commandPath, webhooks }: Neighbours,
): Probe[] {
  const list: Probe[] = [
    {
      name: 'event_store',
      required: true,
      check: async () => {
        await store.ping()
        return { up: true, kind: services.eventStore.kind }
      },
    },
    {
      name: 'postgres',
      required: true,
      check: async () => {
        await sql`SELECT 1`.execute(db)
        return { up: true, kind: services.postgres.kind }
      },
    },
    {
      name: 'command_stream',
      required: false,
      check: async () => ({ up: services.stream.stream.isUp(), kind: services.stream.kind }),
    },
    {
      name: 'person_keys',
      required: false,
      check: async () => ({ up: vault.missing() === 0, missing: vault.missing() }),
    },
  ]
  list.push({
    name: 'parked_events',
    required: false,
    check: async () => {
      const parked = await parkedCount(db)
      return { up: parked === 0, events: parked }
    },
  })
  list.push(...projectors.map((each) => projectorProbe(each, { store, clock, config })))
  if (commandPath) {
    list.push({
      name: 'relay',
      required: false,
      check: async () => {
        const { state, fault, quarantined, gaps } = commandPath
        return { up: state !== 'halted', state, quarantined, gaps, ...(fault ? { error: fault } : {}) }
      },
    })
  }
  if (webhooks) {
    list.push({
      name: 'webhooks',
      required: false,
      check: async () => {
        const { state, replays } = webhooks
        const fault = webhooks.fault ?? replays.fault
        const up = state !== 'halted' && replays.state !== 'halted'
        return { up, state, under_way: webhooks.underWay(), ...(fault ? { error: fault } : {}) }
      },
    })
  }
  const here = new Set([
    ...projectors.map(({ context }) => projectorName(context)),
    ...processes.map(({ name }) => name),
  ])
  if (here.has('webhooks')) here.add('webhook-replays')
  for (const name of leadersOf(contexts).filter((each) => !here.has(each))) {
    list.push({
      name,
      required: false,
      check: async () => {
        const isLed = (await withoutLeader(db, [name])).length === 0
        return { up: isLed, state: 'elsewhere', ...(isLed ? {} : { error: 'no process leads it' }) }
      },
    })
  }
  for (const { name, figures } of processes.filter((each) => !SPECIAL.includes(each.name))) {
    list.push({
      name,
      required: false,
      check: async () => {
        const { state, fault, handled } = figures
        return { up: state !== 'halted', state, handled, ...(fault ? { error: fault } : {}) }
      },
    })
  }
  return list
}

export function gauges(
  { config, contexts, services, store, db, clock, vault, processes }: Parts,
  { projectors, commandPath, webhooks }: Neighbours,
): GaugeSource[] {
  const list: GaugeSource[] = [
    {
      name: 'opslog_command_stream_up',
      help: 'Whether the command stream answers',
      read: () => (services.stream.stream.isUp() ? 1 : 0),
    },
  ]
  const add = (name: string, help: string, read: GaugeSource['read']) => list.push({ name, help, read })
  add('opslog_clock_offset_seconds', 'How far this process’s own clock is ahead of Postgres’s, which counts', () => {
    return clock.offsetMs() / 1_000
  })
  const counted = (count: Promise<number>) =>
    count.catch((error: unknown) => {
      // While Postgres is away the last figure stands; readiness tells that it is.
      if (isUnavailable(error)) return undefined
      throw error
    })
  add('opslog_leaders_missing', 'Processes of the installation that nobody leads', () => {
    return counted(withoutLeader(db, leadersOf(contexts)).then(({ length }) => length))
  })
  add('opslog_dead_letter_commands', 'Commands to the engine that were given up and not dealt with', () => {
    return counted(deadCommandCount(db))
  })
  add('opslog_dead_letter_webhooks', 'Webhooks that did not get through and were not dealt with', () => {
    return counted(deadWebhookCount(db))
  })
  if (projectors.length > 0) {
    const sum = (value: (figures: ReturnType<Projector['figures']>) => number) =>
      projectors.reduce((total, { projector }) => total + value(projector.figures()), 0)
    add(
      'opslog_projection_lag_seconds',
      'Age of what the read models lack, of the context that is furthest behind',
      async () => {
        const lags = await Promise.all(projectors.map((each) => lagOf(each, { store, clock, config })))
        return Math.max(...lags) / 1_000
      },
    )
    add('opslog_projector_events', 'Events taken in since the start', () => sum(({ events }) => events))
    add('opslog_projector_batches', 'Batches written since the start', () => sum(({ batches }) => batches))
    add('opslog_projector_parked_streams', 'Streams parked behind a poison event', () =>
      sum((each) => each.parkedStreams),
    )
    add('opslog_projector_halted', 'Projectors that have halted', () =>
      sum(({ state }) => (state === 'halted' ? 1 : 0)),
    )
  }
  add('opslog_person_keys_missing', 'Persons whose key is lost, as far as was noticed', () => vault.missing())
  add('opslog_processes_halted', 'Processes that have halted and need somebody', () => {
    return processes.filter(({ figures }) => figures.state === 'halted').length
  })
  if (webhooks) {
    add('opslog_webhook_deliveries', 'Webhook deliveries made since the start', () => webhooks.requested)
    add('opslog_webhook_attempts_under_way', 'Requests to webhook endpoints now', () => webhooks.underWay())
  }
  if (commandPath) {
    add('opslog_relay_commands', 'Engine commands relayed since the start', () => commandPath.handled)
    add('opslog_engine_events_quarantined', 'Engine events set aside since the start', () => commandPath.quarantined)
    add('opslog_engine_log_gaps', 'Gaps seen in the engine’s log since the start', () => commandPath.gaps)
  }
  return list
}
