/** Desks of one process over a real event store, as tests start several of. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { DeskLimits } from '../../src/commands/desk-interface.ts'
import { type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import { createDesks, type DesksOptions } from '../../src/commands/rungate/desk/desks.ts'
import type { CallFacts, DeskOf, RunAsked } from '../../src/commands/rungate/desk/interface.ts'
import type { EventStore } from '../../src/events/store.ts'
import { type Changes, callFacts, policyOf, rules } from './desk.ts'

export const deskLimits: DeskLimits = {
  ...{ groupEventsMax: 256, groupBytesMax: 524_288, queueMax: 2_000, waitMaxMs: 10_000, gatherMs: 5, retryMs: 20 },
  ...{ cachedMax: 100, sharedMs: 500, turnMs: 1, turnMaxMs: 100 },
}

export const newAgent = (): DeskOf => ({ accountId: randomUUID(), agentId: randomUUID() })

export const context = (at = new Date()): CommandContext => ({
  ...{
    commandId: randomUUID(),
    fingerprint: undefined,
    actor: { kind: 'agent', id: 'agent' },
    requestId: randomUUID(),
  },
  ...{ correlationId: randomUUID(), traceparent: undefined, at: at.toISOString() },
})

/** A call of its own ids. */
export function newCall(agent: DeskOf, changes: Changes = {}, facts: Partial<CallFacts> = {}): CallFacts {
  const own = { callId: randomUUID(), newRunId: randomUUID(), policy: policyOf(changes) }
  return { ...callFacts(''), ...own, agent: { ...agent, name: 'writer', memberId: null }, ...facts }
}

export const inRun = (changes: Partial<RunAsked>): Partial<CallFacts> => ({
  run: { runId: null, isNew: false, name: null, metadata: null, known: null, ...changes },
})

interface Own {
  limits?: Partial<DeskLimits>
  bookEventsMax?: number
  bookOpenedMaxBytes?: number
  now?: () => Date
}

/** `asked`: turns that this process has asked for. */
export function startDesks(store: EventStore, { limits = {}, now = () => new Date(), ...own }: Own = {}) {
  const processId = randomUUID()
  const errors: unknown[] = []
  const options: DesksOptions = {
    surroundings: { store, elapsedMs: () => performance.now(), pause: (ms) => delay(ms) },
    bus: createCommandBus(store, { cachedAggregatesMax: 100, seenCommandsMax: 1_000, conflictRetriesMax: 3 }),
    limits: { ...deskLimits, ...limits },
    rules: { ...rules, ...own },
    ...{ processId, now, onError: (error) => void errors.push(error) },
  }
  return { ...createDesks(options), processId, errors }
}
