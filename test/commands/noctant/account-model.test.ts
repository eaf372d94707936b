/**
 * Random interleavings of commands on one account, each against a model of a few lines: what an account is, told a
 * second time without events. Whatever the order, the status agrees, the engine's commands are numbered without a gap,
 * and folding the recorded events once more gives the same state.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type AccountCommand, type AccountState, account } from '../../../src/commands/noctant/account.ts'
import { Rejected } from '../../../src/commands/noctant/rejection.ts'
import type { AccountEvent } from '../../../src/events/noctant/account.ts'
import { accountFacts, at, commandId } from '../../support/examples/noctant.ts'

interface Model {
  status: 'absent' | 'active' | 'disabled'
  engineCommands: string[]
}
interface Real {
  events: AccountEvent[]
  sent: number
}

/** What the decider answers: the kinds of its events, or the code of its refusal. */
function send(real: Real, command: AccountCommand): string[] {
  try {
    const decided = account.decide(command, fold(account, real.events))
    real.events.push(...decided)
    return decided.map(({ type }) => type.split('.')[1]!)
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    return [error.code]
  }
}

function agree(model: Model, real: Real): void {
  const state: AccountState = fold(account, real.events)
  expect(state.status).toBe(model.status)
  const requests = real.events.filter((event) => event.type === 'noctant.EngineCommandRequested.v1')
  expect(requests.map(({ data }) => data.order.kind)).toStrictEqual(model.engineCommands)
  expect(requests.map(({ data }) => data.sequence)).toStrictEqual(requests.map((_, index) => index + 1))
  expect(new Set(requests.map(({ data }) => data.commandId)).size).toBe(requests.length)
}

/** One command of the random story: what the model expects, then what the decider says. */
function step(name: string, make: (id: string) => AccountCommand, expected: (model: Model) => string[]) {
  return {
    check: () => true,
    run(model: Model, real: Real) {
      const answer = expected(model)
      expect(send(real, make(commandId(real.sent++)))).toStrictEqual(answer)
      agree(model, real)
    },
    toString: () => name,
  }
}

const open = () =>
  step(
    'open',
    (id) => ({ kind: 'open', facts: accountFacts, commandId: id, at: at(1) }),
    (model) => {
      if (model.status !== 'absent') return ['account_facts_differ']
      model.status = 'active'
      model.engineCommands.push('open_account')
      return ['AccountOpened', 'EngineCommandRequested']
    },
  )

const change = (to: 'active' | 'disabled', forceClosePositions: boolean) =>
  step(
    `${to}${forceClosePositions ? ' by force' : ''}`,
    (id) => ({ kind: 'changeStatus', to, forceClosePositions, reason: null, commandId: id, at: at(2) }),
    (model) => {
      if (model.status === 'absent') return ['account_not_found']
      if (model.status === to) return ['AccountStatusKept']
      model.status = to
      model.engineCommands.push(to === 'active' ? 'enable_account' : 'disable_account')
      return ['AccountStatusChanged', 'EngineCommandRequested']
    },
  )

const closeAll = () =>
  step(
    'close all',
    (id) => ({ kind: 'closeAll', reason: null, commandId: id, at: at(3) }),
    (model) => {
      if (model.status === 'absent') return ['account_not_found']
      model.engineCommands.push('close_all')
      return ['EngineCommandRequested']
    },
  )

const fresh = (): { model: Model; real: Real } => ({
  model: { status: 'absent', engineCommands: [] },
  real: { events: [], sent: 0 },
})

it('an account agrees with its model under any interleaving of commands', () => {
  const commands = fc.commands(
    [
      fc.constant(open()),
      fc
        .tuple(fc.constantFrom('active' as const, 'disabled' as const), fc.boolean())
        .map(([to, force]) => change(to, force)),
      fc.constant(closeAll()),
    ],
    { maxCommands: 40 },
  )
  fc.assert(
    fc.property(commands, (story) => {
      fc.modelRun(fresh, story)
    }),
    { numRuns: 300 },
  )
})
