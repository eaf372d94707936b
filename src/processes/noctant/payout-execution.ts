/**
 * Carries a payout's debit to the engine and the engine's word back: an execution that was asked for is requested in the
 * account's stream, under the command id that belongs to the payout request, and what the engine's log says of that
 * command is recorded among the account's payouts. Every step may be taken again: the account knows the command id, and
 * the payouts know what they have been told.
 */

import { consequenceContext } from '../../commands/context.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId, fingerprintOf } from '../../commands/identity.ts'
import { account } from '../../commands/noctant/account.ts'
import { challenge } from '../../commands/noctant/challenge.ts'
import { challengeInstanceIdOf } from '../../commands/noctant/challenge-identity.ts'
import type { ExecutionCommand } from '../../commands/noctant/payout-effect.ts'
import { payouts } from '../../commands/noctant/payouts.ts'
import { Rejected } from '../../commands/rejection.ts'
import type { Recorded } from '../../events/event.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { EngineCommandEvent } from '../../events/noctant/engine-command.ts'
import type { PayoutEvent } from '../../events/noctant/payout.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import type { Log } from '../../log.ts'
import { crashPoint } from '../../runtime/crash-points.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'

type Heard = PayoutEvent | EngineEvent | EngineCommandEvent
type Of<T extends Heard['type']> = Recorded<Extract<Heard, { type: T }>>

const REQUESTED = 'noctant.PayoutExecutionRequested.v1'
const DEBITED = 'noctant.EngineBalanceChanged.v1'
const DECIDED = 'noctant.EngineCommandDecided.v1'
const DEAD_LETTERED = 'noctant.EngineCommandDeadLettered.v1'

interface Deps extends Pick<ProcessDependencies, 'now'> {
  bus: CommandBus
  log: Log
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runPayoutExecution(options: ProcessDependencies & { bus: CommandBus }): Promise<void> {
  const { bus, log, now } = options
  const handle = async (events: Delivered[]) => {
    for (const event of events) await follow({ bus, log, now }, event)
  }
  return runProcess({ name: 'payouts', types: [REQUESTED, DEBITED, DECIDED, DEAD_LETTERED], handle }, options)
}

/** What follows from one event. IdempotentRequest. */
export async function follow(deps: Deps, event: Delivered): Promise<void> {
  if (isPoison(event)) {
    const { id, stream, type, fault } = event
    deps.log.error({ eventId: id, stream, type, fault }, 'an event about payouts does not decode')
    return
  }
  switch (event.type) {
    case REQUESTED:
      return request(deps, event as Of<typeof REQUESTED>)
    case DEBITED:
      return debited(deps, event as Of<typeof DEBITED>)
    case DECIDED:
      return decided(deps, event as Of<typeof DECIDED>)
    case DEAD_LETTERED: {
      const { commandId, accountId, reason } = (event as Of<typeof DEAD_LETTERED>).data
      return tell(deps, event, accountId, { kind: 'undelivered', commandId, code: 'dead_lettered', reason })
    }
  }
}

/** The account asks the engine; where it will not, the execution has failed. */
async function request(deps: Deps, event: Of<typeof REQUESTED>): Promise<void> {
  const { commandId, payoutRequestId, programAccountId, accountId, amount } = event.data
  const { at } = contextOf(deps, event)
  const order = { payoutRequestId, accountId, amount }
  const context = { ...contextOf(deps, event), commandId, fingerprint: fingerprintOf(order) }
  try {
    crashPoint('payouts.before-order', order)
    await deps.bus.handle(account, programAccountId, { kind: 'executePayout', ...order, commandId, at }, context)
    crashPoint('payouts.after-order', order)
  } catch (error) {
    if (!(error instanceof Rejected) || error.code === 'concurrent_change') throw error
    const { code, message: reason } = error
    await deps.bus.handle(
      payouts,
      programAccountId,
      { kind: 'undelivered', commandId, code, reason, at },
      contextOf(deps, event),
    )
  }
}

async function debited(deps: Deps, event: Of<typeof DEBITED>): Promise<void> {
  const { cause, commandId, accountId, change, occurredAt: executedAt } = event.data
  if (cause !== 'payout' || commandId === null) return
  // A debit is a negative change; a payout's amounts are positive.
  const amount = change.startsWith('-') ? change.slice(1) : `-${change}`
  await tell(deps, event, accountId, { kind: 'debited', commandId, eventId: event.id, amount, executedAt })
  await complete(deps, event, challengeInstanceIdOf(accountId))
}

/** The last payout that the policy has ends the run; what it does not end, the challenge itself knows. */
async function complete(deps: Deps, event: Of<typeof DEBITED>, instanceId: string): Promise<void> {
  const run = await deps.bus.load(challenge, instanceId)
  if (run.status === 'absent' || !run.facts.terms.payoutPolicy?.maximumCount) return
  const { payouts: all } = await deps.bus.load(payouts, run.facts.programAccountId)
  const ofRun = [...all.values()].filter(({ request }) => request.instanceId === instanceId)
  const executed = ofRun.filter(({ effect }) => effect === 'executed').length
  const context = contextOf(deps, event)
  const commandId = deterministicId('complete challenge', event.id)
  const command = { kind: 'complete', payouts: executed, at: context.at } as const
  await deps.bus.handle(challenge, instanceId, command, { ...context, commandId })
}

async function decided(deps: Deps, event: Of<typeof DECIDED>): Promise<void> {
  const { kind, commandId, accountId, outcome, reasonCode: code, reason, occurredAt: decidedAt } = event.data
  if (kind !== 'execute_payout') return
  await tell(deps, event, accountId, {
    kind: 'decided',
    commandId,
    eventId: event.id,
    outcome,
    code,
    reason,
    decidedAt,
  })
}

type Told<C> = C extends unknown ? Omit<C, 'at'> : never

/** Payouts are made from challenges alone, so the challenge on the execution account knows whose payouts these are. */
async function tell(deps: Deps, event: Recorded, accountId: string, told: Told<ExecutionCommand>): Promise<void> {
  const run = await deps.bus.load(challenge, challengeInstanceIdOf(accountId))
  if (run.status === 'absent') return
  const context = contextOf(deps, event)
  await deps.bus.handle(payouts, run.facts.programAccountId, { ...told, at: context.at }, context)
  crashPoint('payouts.after-told', told)
}

const contextOf = ({ now = () => new Date() }: Deps, event: Recorded) =>
  consequenceContext('payouts', event, now().toISOString(), deterministicId('noctant.payoutExecution', event.id))
