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
import { lagMs, type Projector } from './projections/projector.ts'
import type { Parts } from './roles.ts'
import type { WebhookFigures } from './webhooks/process.ts'

/** A projector that is further behind is not fit to serve. */
const LAG_MAX_MS = 30_000
/** What one process of an installation leads at a time, whichever it is. */
const LEADERS = ['projector', 'relay', 'payouts', 'challenge-rules', 'seals', 'webhooks', 'webhook-replays']

/** What runs in the same process, for probes and gauges. */
export interface Neighbours {
  projector: Projector | undefined
  commandPath: CommandPathFigures | undefined
  webhooks: WebhookFigures | undefined
}

/** Processes with a probe of their own. */
const SPECIAL = ['relay', 'webhooks']

export function probes(
  { services, store, db, clock, vault, processes }: Parts,
  { projector, commandPath, webhooks }: Neighbours,
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
  if (projector) {
    list.push({
      name: 'projector',
      required: true,
      check: async () => {
        const { state, fault, position } = projector.figures()
        const lag = lagMs(projector.figures(), await store.head(), clock.now())
        const up = state !== 'halted' && (state === 'standby' || lag < LAG_MAX_MS)
        return { up, state, position: position?.toString() ?? null, lag_ms: lag, ...(fault ? { error: fault } : {}) }
      },
    })
  }
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
  const here = new Set([...(projector ? ['projector'] : []), ...processes.map(({ name }) => name)])
  if (here.has('webhooks')) here.add('webhook-replays')
  for (const name of LEADERS.filter((each) => !here.has(each))) {
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
  { services, store, db, clock, vault, processes }: Parts,
  { projector, commandPath, webhooks }: Neighbours,
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
    return counted(withoutLeader(db, LEADERS).then(({ length }) => length))
  })
  add('opslog_dead_letter_commands', 'Commands to the engine that were given up and not dealt with', () => {
    return counted(deadCommandCount(db))
  })
  add('opslog_dead_letter_webhooks', 'Webhooks that did not get through and were not dealt with', () => {
    return counted(deadWebhookCount(db))
  })
  if (projector) {
    const figures = () => projector.figures()
    add('opslog_projection_lag_seconds', 'Age of what the read models lack', async () => {
      return lagMs(figures(), await store.head(), clock.now()) / 1_000
    })
    add('opslog_projector_events', 'Events taken in since the start', () => figures().events)
    add('opslog_projector_batches', 'Batches written since the start', () => figures().batches)
    add('opslog_projector_parked_streams', 'Streams parked behind a poison event', () => figures().parkedStreams)
    add('opslog_projector_halted', 'Whether the projector has halted', () => (figures().state === 'halted' ? 1 : 0))
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
