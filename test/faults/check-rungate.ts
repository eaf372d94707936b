/** What must hold of rungate's money after every fault, and what contradicts it where it does not. The house must be at rest. */
import { Decimal } from 'decimal.js'
import { deskBook } from '../../src/audit/rungate/desk-book.ts'
import type { DeskEvent } from '../../src/events/rungate/desk.ts'
import { toolContradictions } from './checker.ts'
import { onDatabase } from './evidence.ts'
import type { Budgeted, RungateHouse } from './rungate-house.ts'

/**
 * Of these agents. In a full run our own tools look through all of the log and the read models each time as well; in a short one
 * they do so at its end (toolContradictions).
 */
export async function rungateContradictions(rungate: RungateHouse, agents: readonly Budgeted[]): Promise<string[]> {
  const found: string[] = []
  for (const agent of agents) {
    const events = await rungate.deskOf(agent.agentId)
    found.push(...bookFaults(events), ...limitFaults(events, agent), ...(await sumFaults(rungate, agent)))
  }
  found.push(...(await providerFaults(rungate)))
  // What takes longest is looked at where all else is well.
  const isShort = process.env.OPSLOG_FAULT_MOMENTS === 'one'
  return found.length > 0 || isShort ? found : toolContradictions(rungate.house)
}

/** Each event states what its run has cost so far, and no reservation passes the limit. */
function bookFaults(events: readonly DeskEvent[]): string[] {
  const book = deskBook.open(true)
  return events.flatMap((event) => book.enter(event))
}

/** What is spent, and what may have been spent on calls that expired, is within the limit at the end. */
function limitFaults(events: readonly DeskEvent[], { runId, limitUsd }: Budgeted): string[] {
  const held = new Map<string, string>()
  let spent = new Decimal(0)
  const faults: string[] = []
  const settled = new Set<string>()
  for (const { type, data } of events) {
    if (type === 'rungate.CallReserved.v1' && data.runId === runId) held.set(data.callId, data.held.usd)
    if (type !== 'rungate.CallSettled.v1' || data.runId !== runId) continue
    if (settled.has(data.callId)) faults.push(`the call ${data.callId} was settled twice`)
    settled.add(data.callId)
    held.delete(data.callId)
    spent = spent.plus(data.costUsd)
  }
  const all = [...held.values()].reduce((sum, usd) => sum.plus(usd), spent)
  if (all.greaterThan(limitUsd)) faults.push(`the run ${runId} spent and holds ${all}, of at most ${limitUsd}`)
  return faults
}

/** The run's cost is the sum of its ledger, and of its steps. */
async function sumFaults({ house }: RungateHouse, { agentId }: Budgeted): Promise<string[]> {
  const { rows } = await onDatabase(house, (client) =>
    client.query(
      `SELECT run_id, cost_usd::text AS run,
        (SELECT coalesce(sum(cost_usd), 0)::text FROM rungate_ledger entry WHERE entry.run_id = run.run_id) AS ledger,
        (SELECT coalesce(sum(cost_usd), 0)::text FROM rungate_steps step WHERE step.run_id = run.run_id) AS steps
      FROM rungate_runs run WHERE agent_id = $1`,
      [agentId],
    ),
  )
  if (rows.length === 0) return [`the agent ${agentId} has no run`]
  return rows
    .filter(({ run, ledger, steps }) => !new Decimal(run).equals(ledger) || !new Decimal(run).equals(steps))
    .map((row) => `the run ${row.run_id} has cost ${row.run}; its ledger says ${row.ledger}, its steps ${row.steps}`)
}

/** The provider was sent no call twice: the policies of this house allow one attempt. */
async function providerFaults({ provider }: RungateHouse): Promise<string[]> {
  const sent = Map.groupBy(await provider.log(), ({ key, body }) => `${key} ${body}`)
  return [...sent].filter(([, calls]) => calls.length > 1).map(([what]) => `the provider was sent twice: ${what}`)
}
