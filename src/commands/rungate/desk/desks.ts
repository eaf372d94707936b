/** The desks of all agents, in one process. */
import { StoreUnavailable } from '../../../events/store.ts'
import { msOf } from '../../../runtime/iso-time.ts'
import { systemContext } from '../../context.ts'
import { createDesk } from '../../desk.ts'
import { type Decided, DeskBusy, type DeskLimits, type DeskSurroundings } from '../../desk-interface.ts'
import type { CommandBus, CommandContext } from '../../handle.ts'
import { deterministicId } from '../../identity.ts'
import type { AdmitCommand, DeskCommand, DeskResult, RunCommand, Uncounted } from './commands.ts'
import { type DeskRules, deskDecider } from './desk.ts'
import type { CandidatesOf, DeskOf, Desks, DeskUpkeep, Settled, SettlementFacts } from './interface.ts'
import { createRecentDesks } from './recent-desks.ts'
import { createRecentRuns } from './recent-runs.ts'
import { deskTurn } from './streams.ts'
import { unspent } from './unspent.ts'

export interface DesksOptions {
  surroundings: Omit<DeskSurroundings<DeskCommand>, 'askTurn' | 'onFailure'>
  bus: CommandBus
  limits: DeskLimits
  rules: DeskRules
  /** Of this process, a UUID; made at its start. */
  processId: string
  /** The installation's clock. */
  now(): Date
  onError(error: unknown): void
}

export function createDesks(options: DesksOptions): Desks & DeskUpkeep {
  const { surroundings, bus, limits, rules, processId, now, onError } = options
  const atDesk = createDesk(deskDecider(rules), { ...surroundings, askTurn, onFailure: onError }, limits)
  const recent = createRecentDesks(surroundings.elapsedMs)
  const runs = createRecentRuns()
  const stopListeners: ((runId: string) => void)[] = []
  /** Refusals that have no step of their own. */
  const uncounted = new Map<string, Uncounted & { desk: DeskOf; count: number }>()

  function askTurn(agentId: string, { desk: { accountId } }: DeskCommand): void {
    const occurredAt = now().toISOString()
    const context = systemContext('desk', deterministicId('deskTurn', agentId, processId, occurredAt), occurredAt)
    const asked = bus.handle(deskTurn, agentId, { accountId, agentId, processId, occurredAt }, context)
    asked.catch(onError)
  }

  async function decided<K extends DeskResult['kind']>(
    desk: DeskOf,
    command: DeskCommand,
    kind: K,
    context: CommandContext,
  ): Promise<Decided<Extract<DeskResult, { kind: K }>>> {
    recent.note(desk)
    const { result, position } = await atDesk.decide(desk.agentId, command, context)
    if (result.kind !== kind) throw new Error(`a desk answers ${command.kind} with ${kind}, not with ${result.kind}`)
    return { result: result as Extract<DeskResult, { kind: K }>, position }
  }

  const run = <K extends DeskResult['kind']>(
    desk: DeskOf,
    command: RunCommand extends infer C ? (C extends RunCommand ? Omit<C, 'desk' | 'at'> : never) : never,
    kind: K,
    context: CommandContext,
  ) => decided(desk, { ...command, desk, at: context.at } as RunCommand, kind, context)

  function recordSettlement(desk: DeskOf, facts: SettlementFacts, context: CommandContext) {
    recent.note(desk)
    return atDesk.record(desk.agentId, { kind: 'settle', desk, at: context.at, facts }, context)
  }

  function count(desk: DeskOf, blocked: Uncounted): void {
    const key = `${blocked.runId} ${blocked.stepId}`
    const before = uncounted.get(key)
    uncounted.set(key, { ...blocked, desk, count: (before?.count ?? 0) + 1 })
  }

  async function end(desk: DeskOf, command: Parameters<typeof run>[1], context: CommandContext) {
    const { result, position } = await run(desk, command, 'ended', context)
    const [ended] = result.ended
    if (!ended) throw new Error('a run that was ended has an event that says so')
    return { ended: ended.facts, policyName: ended.policyName, position }
  }

  return {
    async admit(facts, candidatesOf, context) {
      const { accountId, agentId } = facts.agent
      const desk = { accountId, agentId }
      const chains = (settings: Parameters<CandidatesOf>[0], model: string) =>
        candidatesOf(settings, facts, model, new Date(msOf(context.at)))
      const command: AdmitCommand = { kind: 'admit', desk, at: context.at, facts, candidatesOf: chains, processId }
      try {
        const { result } = await decided(desk, command, 'admit', context)
        if (result.blocked) count(desk, result.blocked)
        const { outcome } = result
        // Its id is on its way to the client, and may be back before the log has come round.
        if ('isNewRun' in outcome && outcome.isNewRun) runs.note(outcome.run.runId, { ...desk, ...outcome.run })
        return outcome
      } catch (error) {
        // Where nobody knows whether it was admitted, it is given back in case it was.
        if (error instanceof StoreUnavailable && !(error instanceof DeskBusy)) {
          recordSettlement(desk, unspent(facts.callId, 'The reservation was not confirmed.'), context)
        }
        throw error
      }
    },
    settle(desk, facts, context): Settled {
      const { result, recorded } = recordSettlement(desk, facts, context)
      const settled = result?.kind === 'settle' ? result : undefined
      return { run: settled?.run, remaining: settled?.remaining, recorded }
    },
    complete: (desk, asked, context) => end(desk, { kind: 'complete', ...asked }, context),
    stop: (desk, asked, context) => end(desk, { kind: 'stop', ...asked }, context),
    async completeAll(desk, asked, context) {
      const { result, position } = await run(desk, { kind: 'completeAll', ...asked }, 'ended', context)
      return { runIds: result.ended.map(({ facts }) => facts.runId), position }
    },
    async annotate(desk, asked, context) {
      const { result, position } = await run(desk, { kind: 'annotate', ...asked }, 'annotated', context)
      return { runId: result.runId, said: result.said, position }
    },
    async lift(desk, asked, context) {
      const { result, position } = await run(desk, { kind: 'lift', ...asked }, 'lifted', context)
      return { liftedAt: result.liftedAt, position }
    },
    async logToolCall(desk, asked, context) {
      const { result, position } = await run(desk, { kind: 'logTool', ...asked }, 'logged', context)
      return { step: result.step, position }
    },
    async quiet(agentId, waitMs) {
      return Promise.race([atDesk.quiet(agentId), surroundings.pause(waitMs).then(() => undefined)])
    },
    async quietOf(accountId, waitMs) {
      let last: bigint | undefined
      const all = Promise.all(recent.of(accountId).map((agentId) => atDesk.quiet(agentId)))
      const found = await Promise.race([all, surroundings.pause(waitMs).then(() => [])])
      for (const position of found) {
        if (position !== undefined && (last === undefined || position > last)) last = position
      }
      return last
    },
    startedRun: runs.find,
    onForceStop: (listener) => void stopListeners.push(listener),
    async sweep(desk, context) {
      const { result } = await run(desk, { kind: 'sweep' }, 'swept', context)
      return { nextAt: result.nextAtMs === undefined ? undefined : new Date(result.nextAtMs) }
    },
    async noteApproval(desk, noted, context) {
      await run(desk, { kind: 'noteApproval', ...noted }, 'swept', context)
    },
    async expireOf(desk, gone, context) {
      await run(desk, { kind: 'expireOf', processId: gone }, 'swept', context)
    },
    async settleNow(desk, facts, context) {
      const command = { kind: 'settle', desk, at: context.at, facts } as const
      return (await decided(desk, command, 'settle', context)).result.run
    },
    flush() {
      for (const [key, { desk, ...blocked }] of uncounted) {
        uncounted.delete(key)
        const at = now().toISOString()
        const context = systemContext('desk', deterministicId('desk.blocked', key, processId, at), at)
        atDesk.record(desk.agentId, { kind: 'noteBlocked', desk, at, ...blocked }, context).recorded.catch(onError)
      }
    },
    async drained() {
      await atDesk.quiet()
    },
    follow(event) {
      if (event.type === 'rungate.TurnAsked.v1') {
        if (event.data.processId !== processId) atDesk.share(event.data.agentId)
      } else if (event.type === 'rungate.RunStarted.v1') {
        runs.note(event.data.runId, event.data)
      } else if (event.type === 'rungate.OldDataDeleted.v1') {
        for (const runId of event.data.runIds) runs.forget(runId)
      } else if (event.type === 'rungate.RunEnded.v1' && event.data.status === 'force_stopped') {
        for (const listener of stopListeners) listener(event.data.runId)
      }
    },
  }
}
