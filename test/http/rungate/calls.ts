/** Calls and requests for approval of an account's agent, as the proxy would bring them to the desk. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { deterministicId } from '../../../src/commands/identity.ts'
import { approval } from '../../../src/commands/rungate/approval.ts'
import type { CallFacts, SettlementFacts } from '../../../src/commands/rungate/desk/interface.ts'
import { type Changes, candidates, policyOf, settlement } from '../../support/desk.ts'
import { context, newCall } from '../../support/desks.ts'
import { type Api, systemContext } from '../api.ts'
import type { Account } from './accounts.ts'

type Caller = Pick<Account, 'accountId' | 'agentId' | 'policyId'>

export interface Made {
  changes?: Changes
  facts?: Partial<CallFacts>
  settled?: Partial<SettlementFacts>
  /** When it is made; default: now. */
  at?: Date
}

const asked = ({ accountId, agentId, policyId }: Caller, { changes, facts }: Made) => {
  const policy = { ...policyOf(changes), policyId }
  return newCall({ accountId, agentId }, changes, { policy, ...facts })
}

/** A call that is under way. */
export async function callAdmitted(api: Pick<Api, 'desks'>, caller: Caller, made: Made = {}) {
  const facts = asked(caller, made)
  const outcome = await api.desks.admit(facts, () => candidates, context(made.at))
  expect(outcome.kind).toBe('admitted')
  if (outcome.kind !== 'admitted') throw new Error('the call was not admitted')
  return { runId: outcome.run.runId, callId: facts.callId }
}

/** A call that was admitted and has ended; it may not be in the log yet. */
export async function callMade(api: Pick<Api, 'desks'>, caller: Caller, made: Made = {}) {
  const { runId, callId } = await callAdmitted(api, caller, made)
  const { accountId, agentId } = caller
  api.desks.settle({ accountId, agentId }, settlement('', { ...made.settled, callId }), context(made.at))
  return { runId, callId }
}

/** A call that the run's policy refuses. */
export async function callRefused(api: Pick<Api, 'desks'>, caller: Caller, made: Made) {
  const outcome = await api.desks.admit(asked(caller, made), () => candidates, context())
  expect(outcome.kind).toBe('refused')
}

/** A request for approval that waits for an hour, or as long as is said. */
export async function approvalAsked(
  api: Pick<Api, 'bus'>,
  { accountId, agentId, policyId }: Caller,
  runId: string,
  { waitMs = 3_600_000, sealedRequest = null }: { waitMs?: number; sealedRequest?: string | null } = {},
): Promise<string> {
  const approvalId = deterministicId('test approval', randomUUID())
  const now = Date.now()
  const facts = {
    ...{ accountId, approvalId, agentId, runId, policyId, occurredAt: new Date(now).toISOString() },
    ...{ agentName: 'writer', toolName: 'delete_file', fingerprint: 'ab'.repeat(32), ordinal: 0, stepId: randomUUID() },
    ...{ format: 'openai' as const, model: 'gpt-own', sealedRequest, requestBytes: 300_000 },
    expiresAt: new Date(now + waitMs).toISOString(),
  }
  await api.bus.handle(approval, approvalId, { kind: 'request', facts }, systemContext())
  return approvalId
}
