/** How a call is admitted: the desk says what it misses, which is looked up or asked for, until it has decided. */
import { fingerprintOf } from '../../../adapters/llm/fingerprint.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import type { AdmitOutcome, CallFacts } from '../../../commands/rungate/desk/interface.ts'
import { isUuid } from '../../../events/uuid.ts'
import { findRunStatus } from '../../../projections/rungate/run-status.ts'
import type { AdmittedCall } from './answering.ts'
import { approvalsFor } from './approvals.ts'
import type { ProxyParts } from './proxy-parts.ts'
import { counted } from './second-look.ts'

export type Decided = Exclude<AdmitOutcome, { kind: 'count' | 'lookup' }>

/** A desk misses each thing once: the run's state, a count, approvals, and those that were asked for since. */
const ROUNDS_MAX = 6

/** Rejects with StoreUnavailable, also where the desk is busy. */
export async function admit(
  parts: ProxyParts,
  given: CallFacts,
  call: Pick<AdmittedCall, 'scan' | 'profile' | 'incoming' | 'counted'>,
  command: CommandContext,
): Promise<Decided> {
  let facts = given
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const outcome = await parts.desks.admit(facts, parts.candidatesOf, command)
    if (outcome.kind === 'count') facts = await counted(parts, facts, outcome.run, call)
    else if (outcome.kind === 'lookup') facts = { ...facts, run: { ...facts.run, known: await knownRun(parts, facts) } }
    else if (outcome.kind === 'approval' && outcome.missing.length > 0) {
      const fingerprint = facts.fingerprint ?? (await fingerprintOf(call.scan, call.counted))
      const found = await approvalsFor(parts, outcome, { facts, fingerprint, scan: call.scan, command })
      facts = { ...facts, fingerprint, approvals: [...facts.approvals, ...found] }
    } else return outcome
  }
  throw new Error('a desk asks for the same again and again')
}

async function knownRun({ db }: ProxyParts, { agent, run: { runId } }: CallFacts): Promise<CallFacts['run']['known']> {
  if (runId === null || !isUuid(runId)) return 'absent'
  const found = await findRunStatus(db, agent.agentId, runId)
  return found?.status ?? 'absent'
}
