/**
 * Reads about a run wait for what this process has under way on it, so that they show the call whose answer came before. What is
 * decided on a run is decided at its desk, whether or not the read models show the run yet.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { DeskOf } from '../../../commands/rungate/desk/interface.ts'
import { runNotFound, runNotRunning } from '../../../commands/rungate/run-refusals.ts'
import type { RunRow } from '../../../projections/rungate/run.ts'
import { currentRun, findRun } from '../../../projections/rungate/run-lists.ts'
import { Problem } from '../../errors.ts'
import type { AgentPrincipal, Operator, RungateParts } from '../access.ts'
import type { RungateCode } from '../errors.ts'

/** How long an answer waits (brief, section 1). */
const WAIT_MAX_MS = 1_000

type Parts = Pick<RungateParts, 'db' | 'desks' | 'waiter' | 'contentLog'>

/** Resolves when the read models show what this process does for the agent's runs, or when that takes too long. */
export async function deskShown({ desks, waiter, contentLog }: Omit<Parts, 'db'>, agentId: string): Promise<void> {
  const startedMs = performance.now()
  const leftMs = () => Math.max(0, WAIT_MAX_MS - (performance.now() - startedMs))
  const position = await desks.quiet(agentId, WAIT_MAX_MS)
  if (position !== undefined && leftMs() > 0) await waiter.waitFor(position, leftMs())
  const kept = await Promise.race([contentLog.quiet(agentId), delay(leftMs(), undefined, { ref: false })])
  if (kept !== undefined && leftMs() > 0) await waiter.waitFor(kept, leftMs())
}

/** Resolves when the read models show what this process has just done for the account's agents, or when that takes too long. */
export async function accountShown(
  { desks, waiter }: Pick<Parts, 'desks' | 'waiter'>,
  accountId: string,
): Promise<void> {
  const startedMs = performance.now()
  const position = await desks.quietOf(accountId, WAIT_MAX_MS)
  const leftMs = WAIT_MAX_MS - (performance.now() - startedMs)
  if (position !== undefined && leftMs > 0) await waiter.waitFor(position, leftMs)
}

/** Where a run is decided on, and what the read models say of it; undefined: they do not show it yet. */
export interface RunPlace {
  desk: DeskOf
  policyId: string
  row: RunRow | undefined
}

/** Of a run of the account. Throws run_not_found. */
export async function placeOf(
  { db, desks }: Pick<Parts, 'db' | 'desks'>,
  { accountId }: Pick<Operator, 'accountId'>,
  runId: string,
): Promise<RunPlace> {
  const row = await findRun(db, accountId, runId)
  if (row) return { desk: { accountId, agentId: row.agent_id }, policyId: row.policy_id, row }
  const started = desks.startedRun(accountId, runId)
  if (!started) throw runNotFound()
  return { desk: { accountId, agentId: started.agentId }, policyId: started.policyId, row: undefined }
}

/** Of a run of the agent. Throws run_not_found, and a Problem (403) for another agent's of its account. */
export async function ownPlace(parts: Pick<Parts, 'db' | 'desks'>, principal: AgentPrincipal, runId: string) {
  const place = await placeOf(parts, principal, runId)
  if (place.desk.agentId === principal.agentId) return place
  throw new Problem<RungateCode>('run_elsewhere', 'The run belongs to another agent.')
}

/** The run is in the log; the read models will show it. */
export const runBehind = () => new Problem('read_model_behind', 'The read models do not show the run yet.')

/** The row of a run, as it is by now. Throws a Problem (503) where the read models do not show it. */
async function rowOf(parts: Parts, { desk, row }: RunPlace, runId: string): Promise<RunRow> {
  await deskShown(parts, desk.agentId)
  const now = (await findRun(parts.db, desk.accountId, runId)) ?? row
  if (!now) throw runBehind()
  return now
}

/** A run of the account, as it is. Throws run_not_found, and a Problem (503) where the read models are behind. */
export const shownRun = async (parts: Parts, principal: Pick<Operator, 'accountId'>, runId: string): Promise<RunRow> =>
  rowOf(parts, await placeOf(parts, principal, runId), runId)

/** The same of the agent's own. Throws a Problem (403) for another agent's of its account. */
export const ownRun = async (parts: Parts, principal: AgentPrincipal, runId: string): Promise<RunRow> =>
  rowOf(parts, await ownPlace(parts, principal, runId), runId)

/** Throws run_not_running for one that has ended; the desk forgets those in time. */
export function requireRunning({ row }: RunPlace): void {
  if (row && row.status !== 'running') throw runNotRunning()
}

/** The latest running run of the agent. Throws run_not_found. */
export async function ownCurrentRun(parts: Parts, { accountId, agentId }: AgentPrincipal): Promise<RunRow> {
  await deskShown(parts, agentId)
  const found = await currentRun(parts.db, accountId, agentId)
  if (!found) throw runNotFound()
  return found
}
