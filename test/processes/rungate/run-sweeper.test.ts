/** What the clock does at desks: runs that nobody uses end, and calls that nobody settles expire, through a whole instance. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { approval } from '../../../src/commands/rungate/approval.ts'
import type { DeskEvent } from '../../../src/events/rungate/desk.ts'
import { createDatabase, type ReadModels } from '../../../src/postgres/database.ts'
import { approvalAsked } from '../../http/rungate/calls.ts'
import { eventually } from '../../projections/support.ts'
import { author, candidates, settlement } from '../../support/desk.ts'
import { context, newAgent, newCall, startDesks } from '../../support/desks.ts'
import { type Stack, startStack } from '../../support/stack.ts'

let stack: Stack
let db: ReadModels
beforeAll(async () => {
  stack = await startStack({ environment: { RUN_SWEEP_INTERVAL_MS: '50', CALL_SWEEP_INTERVAL_MS: '50' } })
  db = createDatabase({ url: stack.databaseUrl, poolMax: 1, onConnectionLost: () => undefined })
})
afterAll(async () => {
  await db.destroy()
  await stack.close()
})

const anHourAgo = new Date(Date.now() - 3_600_000)
const typesOf = async (agentId: string) => {
  const events = await Array.fromAsync(stack.store.readStream<DeskEvent>(`rungate.desk-${agentId}`))
  return events.map(({ type, data }) => ('endedReason' in data ? `${type} ${data.endedReason}` : type))
}

async function called(isSettled: boolean, at: Date) {
  const agent = newAgent()
  const desks = startDesks(stack.store, { now: () => at })
  const call = newCall(agent)
  const outcome = await desks.admit(call, () => candidates, context(at))
  if (outcome.kind !== 'admitted') throw new Error(outcome.kind)
  if (isSettled) await desks.settle(agent, { ...settlement(''), callId: call.callId }, context(at)).recorded
  return agent.agentId
}

it('a run that nobody uses ends, and one that is in use does not', async () => {
  const [used, idle] = [await called(true, new Date()), await called(true, anHourAgo)]
  await eventually(async () => expect(await typesOf(idle)).toContain('rungate.RunEnded.v1 idle_timeout'))
  expect(await typesOf(used)).not.toContain('rungate.RunEnded.v1 idle_timeout')
})

it('a call past its time expires, and is under way no more', async () => {
  const agentId = await called(false, anHourAgo)
  await eventually(async () => expect(await typesOf(agentId)).toContain('rungate.CallExpired.v1'))
  await eventually(async () => {
    const { rows } = await sql`SELECT FROM rungate_open_calls WHERE agent_id = ${agentId}::uuid`.execute(db)
    expect(rows).toHaveLength(0)
  })
})

it('a desk is told of an approval as soon as that is decided, whoever decides', async () => {
  const agent = newAgent()
  const desks = startDesks(stack.store)
  const fingerprint = 'ab'.repeat(32)
  const call = newCall(agent, { settings: { requireApproval: ['delete_*'] } }, { tools: ['delete_file'], fingerprint })
  const { policyId } = call.policy
  const started = await desks.admit(call, () => candidates, context())
  if (started.kind !== 'approval') throw new Error(started.kind)
  const { runId } = started.run
  const approvalId = await approvalAsked(stack, { ...agent, policyId }, runId)
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const approvals = [{ runId, tool: 'delete_file', approvalId, status: 'pending' as const, expiresAt }]
  await desks.admit({ ...call, approvals }, () => candidates, context())
  const decision = { kind: 'approve', accountId: agent.accountId, author, at: new Date().toISOString() } as const
  await stack.bus.handle(approval, approvalId, decision, stack.adminContext())
  await eventually(async () =>
    expect(await typesOf(agent.agentId)).toStrictEqual(
      ['RunStarted', 'CallBlocked', 'DecisionNoted'].map((name) => `rungate.${name}.v1`),
    ),
  )
})
