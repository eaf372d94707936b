/**
 * Holds challenges to their rules: whenever the engine has told something of an account, what its log says since the
 * challenge's last record is measured, in the engine's order; a sweep does the same where only the clock moves. What
 * decides lies in the challenge's stream and in the engine's, so a start over loses nothing. A run that ends by a breach
 * or by time has the account's positions closed and its trading disabled.
 */

import { systemContext } from '../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId, fingerprintOf } from '../../commands/identity.ts'
import { account } from '../../commands/noctant/account.ts'
import { challenge, isLive } from '../../commands/noctant/challenge.ts'
import { challengeInstanceIdOf } from '../../commands/noctant/challenge-identity.ts'
import { Rejected } from '../../commands/rejection.ts'
import type { Recorded } from '../../events/event.ts'
import type { ChallengeEvent } from '../../events/noctant/challenge.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { EventStore } from '../../events/store.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import type { Log } from '../../log.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { dueChallenges } from '../../projections/noctant/challenge.ts'
import { createLru } from '../../runtime/lru.ts'
import { createDueWork, type DueItem } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'

const RULES = 'challenge-rules'

const STARTED = 'noctant.ChallengeStarted.v1'
const FAILED = 'noctant.ChallengeFailed.v1'
const EXPIRED = 'noctant.ChallengeExpired.v1'
/** What changes a figure; the other events of the engine's log are read along with these. */
const FIGURES = ['noctant.EngineAccountMarked.v1', 'noctant.EngineBalanceChanged.v1', 'noctant.EngineOrderFilled.v1']

type Ended = Recorded<Extract<ChallengeEvent, { type: typeof FAILED | typeof EXPIRED }>>

export interface ChallengeRulesLimits {
  /** Figures that only the market moves are recorded at most this often. */
  recordIntervalMs: number
  sweepIntervalMs: number
  /** The clock decides this long after the fact, so that what the engine reports late still counts. */
  graceMs: number
  sweepBatchMax: number
  /** Accounts that are looked at at once. */
  concurrencyMax: number
  /** Execution accounts known to be traded for no challenge. */
  accountsCacheMax: number
}

export interface ChallengeRulesDeps {
  bus: CommandBus
  store: EventStore
  db: ReadModels
  log: Log
  limits: ChallengeRulesLimits
}

/** A challenge that the clock decides, and as far as the clock may be taken. */
export interface DueChallenge extends DueItem {
  at: string
}

/** A challenge that could not be looked at is looked at again within this time. */
const RETRY_MAX_MS = 60_000
/** Time at the stop for challenges that are being looked at. */
const DRAIN_MS = 5_000

/** Engine events that are measured in one go. */
const CHUNK_MAX = 500n

/** Runs until `signal` aborts; stands by while another process leads. */
export function runChallengeRules(options: ProcessDependencies & ChallengeRulesDeps): Promise<void> {
  const { limits, log, now = () => new Date() } = options
  const rules = createChallengeRules(options)
  const byClock = createDueWork<DueChallenge>({
    name: 'challenges by the clock',
    findDue: rules.findDue,
    work: rules.decideByClock,
    limits: {
      concurrencyMax: limits.concurrencyMax,
      keyConcurrencyMax: 1,
      keyQueueMax: 1,
      batchMax: limits.sweepBatchMax,
      pollIntervalMs: limits.sweepIntervalMs,
      retryMinMs: limits.sweepIntervalMs,
      retryMaxMs: RETRY_MAX_MS,
      drainMs: DRAIN_MS,
    },
    log,
    now,
  })
  return runProcess(
    {
      name: RULES,
      types: [...FIGURES, STARTED, FAILED, EXPIRED],
      handle: rules.handle,
      background: (signal) => [byClock.run(signal)],
    },
    options,
  )
}

export function createChallengeRules({ bus, store, db, log, limits }: ChallengeRulesDeps) {
  const unchallenged = createLru<string, true>(limits.accountsCacheMax)
  const { recordIntervalMs } = limits

  /** Measures what the engine's log holds beyond the challenge's last record; `at`: as far as the clock may be taken. */
  async function measure(instanceId: string, at: string | undefined): Promise<void> {
    for (;;) {
      const state = await bus.load(challenge, instanceId)
      if (!isLive(state)) return
      const { accountId } = state.facts
      const events: Recorded<EngineEvent>[] = []
      const from = BigInt(state.measures.engineSequence)
      const stream = `noctant.engine-${accountId}`
      for await (const event of store.readStream<EngineEvent>(stream, { from, maxCount: CHUNK_MAX })) events.push(event)
      const isAll = BigInt(events.length) < CHUNK_MAX
      const last = events.at(-1)
      if (!last && at === undefined) return
      const context = contextOf(instanceId, last, at)
      const options = { recordIntervalMs: isAll ? recordIntervalMs : 0 }
      const seen = events.map(({ type, data }) => ({ type, data }) as EngineEvent)
      await bus.handle(
        challenge,
        instanceId,
        { kind: 'measure', events: seen, at: isAll ? at : undefined, options },
        context,
      )
      if (isAll) return
    }
  }

  async function evaluate(accountId: string): Promise<void> {
    if (unchallenged.has(accountId)) return
    const instanceId = challengeInstanceIdOf(accountId)
    const { status } = await bus.load(challenge, instanceId)
    if (status === 'absent') unchallenged.set(accountId, true)
    else await measure(instanceId, undefined)
  }

  /** Each account by itself, some at once. Throws the first fault when all are through. */
  async function evaluateAll(accountIds: string[]): Promise<void> {
    const worker = async () => {
      for (let next = accountIds.pop(); next !== undefined; next = accountIds.pop()) await evaluate(next)
    }
    const settled = await Promise.allSettled(Array.from({ length: limits.concurrencyMax }, worker))
    const fault = settled.find((result) => result.status === 'rejected')
    if (fault) throw fault.reason
  }

  return {
    async handle(events: Delivered[]): Promise<void> {
      const accounts = new Set<string>()
      for (const event of events) {
        if (isPoison(event)) {
          const { id, stream, type, fault } = event
          log.error({ eventId: id, stream, type, fault }, 'an event about challenges does not decode')
        } else if (event.type === FAILED || event.type === EXPIRED) {
          await stopTrading(bus, event as Ended)
        } else {
          const accountId = String(event.data.accountId)
          if (event.type === STARTED) unchallenged.delete(accountId)
          accounts.add(accountId)
        }
      }
      await evaluateAll([...accounts])
    },

    /** Challenges that are due by the clock, the longest due first. */
    async findDue({ now, limit }: { now: Date; limit: number }): Promise<DueChallenge[]> {
      const at = new Date(now.getTime() - limits.graceMs).toISOString()
      const due = await dueChallenges(db, at, limit)
      return due.map(({ instance_id: id }) => ({ id, key: id, at }))
    },

    decideByClock: ({ id, at }: DueChallenge): Promise<void> => measure(id, at),
  }
}

/** Who asks and why, for one measurement: a repeat of it has the same id. */
function contextOf(instanceId: string, last: Recorded | undefined, at: string | undefined): CommandContext {
  const cause = last ? `${last.data.sequence}` : ''
  const commandId = deterministicId('measure challenge', instanceId, cause, at ?? '')
  const { $correlationId: correlationId = commandId, traceparent } = last?.metadata ?? {}
  return systemContext(RULES, commandId, at ?? String(last?.data.occurredAt), { correlationId, traceparent })
}

/** Closes what the run left open. An account that has moved on meanwhile, or is closed, is left alone. */
async function stopTrading(bus: CommandBus, event: Ended): Promise<void> {
  const { instanceId, programAccountId, occurredAt: at } = event.data
  const reason = 'rule' in event.data ? `challenge failed: ${event.data.rule}` : 'challenge expired'
  const commandId = deterministicId('stop trading', instanceId)
  const { requestId = commandId, $correlationId: correlationId, traceparent } = event.metadata
  const fingerprint = fingerprintOf({ instanceId })
  const context = systemContext(RULES, commandId, at, { fingerprint, requestId, correlationId, traceparent })
  try {
    await bus.handle(account, programAccountId, { kind: 'stopTrading', instanceId, reason, commandId, at }, context)
  } catch (error) {
    if (!(error instanceof Rejected) || error.code !== 'account_closed') throw error
  }
}
