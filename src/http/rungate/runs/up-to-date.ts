/** Reads about a run wait for what this process has under way on it, so that they show the call whose answer came before. */
import { setTimeout as delay } from 'node:timers/promises'
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

/** A run of the account, as it is. Throws run_not_found. */
export async function shownRun(
  parts: Parts,
  { accountId }: Pick<Operator, 'accountId'>,
  runId: string,
): Promise<RunRow> {
  const known = await findRun(parts.db, accountId, runId)
  if (!known) throw runNotFound()
  await deskShown(parts, known.agent_id)
  return (await findRun(parts.db, accountId, runId)) ?? known
}

/** A run of the agent, as it is. Throws run_not_found, and a Problem (403) for another agent's of its account. */
export async function ownRun(parts: Parts, { accountId, agentId }: AgentPrincipal, runId: string): Promise<RunRow> {
  await deskShown(parts, agentId)
  const found = await findRun(parts.db, accountId, runId)
  if (!found) throw runNotFound()
  requireOwnRun(found, agentId)
  return found
}

/** Throws run_not_running for one that has ended; the desk forgets those in time. */
export function requireRunning({ status }: Pick<RunRow, 'status'>): void {
  if (status !== 'running') throw runNotRunning()
}

export function requireOwnRun({ agent_id }: Pick<RunRow, 'agent_id'>, agentId: string): void {
  if (agent_id === agentId) return
  throw new Problem<RungateCode>('run_elsewhere', 'The run belongs to another agent.')
}

/** The latest running run of the agent. Throws run_not_found. */
export async function ownCurrentRun(parts: Parts, { accountId, agentId }: AgentPrincipal): Promise<RunRow> {
  await deskShown(parts, agentId)
  const found = await currentRun(parts.db, accountId, agentId)
  if (!found) throw runNotFound()
  return found
}
