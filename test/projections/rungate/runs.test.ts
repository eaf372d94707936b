/** Runs, steps and the ledger out of what happens at a desk, and the figures that are made of them. */
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rungate } from '../../../src/contexts/rungate.ts'
import type { Recorded } from '../../../src/events/event.ts'
import type { Attempt } from '../../../src/events/rungate/call-facts.ts'
import { projectionsCheckpoint } from '../../../src/projections/checkpoint.ts'
import * as analytics from '../../../src/projections/rungate/analytics.ts'
import { desksWithIdleRuns } from '../../../src/projections/rungate/open-call.ts'
import { countOldData, dayFigures, oldRuns, runFigures } from '../../../src/projections/rungate/run-analytics.ts'
import { findRun, governanceEvents, listRuns, listSteps } from '../../../src/projections/rungate/run-lists.ts'
import { createRecorder, type DataOf, type ExampleType, example, timeAt, uuidOf } from '../../support/examples.ts'
import { empty, type Prepared, prepared, writerOn } from '../support.ts'

const { projections } = rungate
let database: Prepared
beforeAll(async () => {
  database = await prepared(projections, 'rungate')
})
afterAll(() => database.drop())
beforeEach(() => empty(database.db, projections))

const { record } = createRecorder()
const writing = () => writerOn(database.db, { projections, checkpoint: projectionsCheckpoint('rungate') })
const given = (...events: Recorded[]) => writing().write(events)
const of = <T extends ExampleType>(type: T, data: Partial<DataOf<T>> = {}): Recorded => record(example(type, data))
const { accountId, agentId, runId } = example('rungate.RunStarted.v1').data
const { callId } = example('rungate.CallSettled.v1').data
const settled = (data: Partial<DataOf<'rungate.CallSettled.v1'>>) => of('rungate.CallSettled.v1', data)
const attempt = (provider: string, kind: Attempt['kind'] = null): Attempt => ({
  ...{ provider, model: 'm', keyId: uuidOf(provider), status: kind ? 500 : 200, kind, error: kind && 'overloaded' },
  ...{ latencyMs: 10, mayHaveCostUsd: null },
})
const inOrder = { sort: 'created_at', order: 'asc', limit: 100, offset: 0 } as const
const stepsNow = async (of = runId) => (await listSteps(database.db, { accountId, runId: of }, inOrder)).rows
const ledgerNow = async () =>
  (await sql<{ cost: string }>`SELECT cost_usd AS cost FROM rungate_ledger`.execute(database.db)).rows

describe('a run', () => {
  it('has the figures that its last event says, and ends as that says', async () => {
    await given(of('rungate.RunStarted.v1'), of('rungate.CallReserved.v1'), of('rungate.CallSettled.v1'))
    expect(await findRun(database.db, accountId, runId)).toMatchObject({
      ...{ status: 'running', cost_usd: '0.00006', step_count: 1, input_tokens: '8', output_tokens: '4' },
      ...{ name: 'nightly', metadata: { job: 7 }, hard_limit_usd: '0.0003', had_failover: false, ended_at: null },
    })
    await given(
      ...[of('rungate.RunAnnotated.v1'), of('rungate.AlertThresholdReached.v1'), of('rungate.RunEnded.v1')],
      of('rungate.ForceStopLifted.v1'),
    )
    expect(await findRun(database.db, accountId, runId)).toMatchObject({
      ...{ status: 'force_stopped', ended_reason: 'admin_stopped', outcome: 'partial', name: 'weekly' },
      ...{ ended_at: timeAt(839), alert_at: timeAt(837), force_stop_lifted_at: timeAt(840), cost_usd: '0.01006' },
    })
  })

  it('is not found by another account', async () => {
    await given(of('rungate.RunStarted.v1'))
    expect(await findRun(database.db, uuidOf('another'), runId)).toBeUndefined()
  })

  it('is found idle once nobody used it for its time, unless a call is under way or an approval pends', async () => {
    const idle = async () => (await desksWithIdleRuns(database.db, timeAt(9_000), 10)).map(({ agent_id }) => agent_id)
    await given(of('rungate.RunStarted.v1'))
    expect(await idle()).toStrictEqual([agentId])
    await given(of('rungate.CallReserved.v1'))
    expect(await idle()).toStrictEqual([])
    await given(of('rungate.CallSettled.v1'), of('rungate.ApprovalRequested.v1', { runId, expiresAt: timeAt(9_001) }))
    expect(await idle()).toStrictEqual([])
    await given(of('rungate.ApprovalApproved.v1'))
    expect(await idle()).toStrictEqual([agentId])
  })

  it('is listed by its filters, sorted, with the true total', async () => {
    const start = (index: number) =>
      of('rungate.RunStarted.v1', { runId: uuidOf(`run ${index}`), name: `run ${index}`, occurredAt: timeAt(index) })
    await given(...[0, 1, 2, 3].map(start))
    const cut = { sort: 'started_at', order: 'desc', limit: 2, offset: 1 } as const
    const found = await listRuns(database.db, { accountId, since: timeAt(1) }, cut)
    expect([found.total, found.rows.map(({ name }) => name)]).toStrictEqual([3, ['run 2', 'run 1']])
    const past = await listRuns(database.db, { accountId, agentId }, { ...cut, offset: 50 })
    expect(past).toStrictEqual({ rows: [], total: 4 })
    expect((await listRuns(database.db, { accountId, hadFailover: true }, cut)).total).toBe(0)
  })
})

describe('the steps of a call', () => {
  it('are itself, and a retry for what was tried again at the same provider', async () => {
    await given(of('rungate.RunStarted.v1'), of('rungate.CallSettled.v1'))
    const rows = await stepsNow()
    expect(rows.map(({ type, status, failover_attempts }) => [type, status, failover_attempts])).toStrictEqual([
      ['retry', 'error', 0],
      ['llm_call', 'success', 0],
    ])
    expect(rows[1]).toMatchObject({ step_id: callId, cost_usd: '0.00006', latency_ms: 812, created_at: timeAt(831) })
  })

  it('have a transition where another provider took over, before the call itself', async () => {
    const attempts = [attempt('openai', 'http_error'), attempt('openai', 'request_timeout'), attempt('anthropic')]
    await given(of('rungate.RunStarted.v1'), settled({ attempts, provider: 'anthropic', servedModel: 'claude' }))
    const rows = await stepsNow()
    expect(rows.map(({ type, status, failover_attempts }) => [type, status, failover_attempts])).toStrictEqual([
      ['retry', 'error', 0],
      ['failover_transition', 'success', 1],
      ['llm_call', 'success', 1],
    ])
    expect(rows[1]?.attempts?.map(({ kind }) => kind)).toStrictEqual(['http_error', 'request_timeout'])
    expect(await findRun(database.db, accountId, runId)).toMatchObject({ had_failover: true })
  })

  it('have a transition that resolved nothing where several providers failed, and none where one did', async () => {
    const failed = { status: 'error', servedModel: null, errorKind: 'http_error', costUsd: '0' } as const
    await given(settled({ ...failed, attempts: [attempt('openai', 'http_error')] }))
    expect((await stepsNow()).map(({ type }) => type)).toStrictEqual(['llm_call'])
    await given(settled({ ...failed, attempts: [attempt('openai', 'http_error'), attempt('groq', 'empty_stream')] }))
    expect((await stepsNow()).map(({ type, status }) => [type, status])).toStrictEqual([
      ['failover_transition', 'error'],
      ['llm_call', 'error'],
    ])
  })

  it('say what an expired call may have cost, until it is settled after all', async () => {
    await given(of('rungate.CallExpired.v1', { callId }))
    expect(await stepsNow()).toMatchObject([{ status: 'error', cost_usd: '0' }])
    expect((await stepsNow())[0]?.error_message).toContain('0.00005')
    expect(await ledgerNow()).toHaveLength(0)
    await given(settled({ replacesHeld: true, attempts: [attempt('openai')] }))
    expect(await stepsNow()).toMatchObject([{ status: 'success', cost_usd: '0.00006', error_message: null }])
    expect(await ledgerNow()).toStrictEqual([{ cost: '0.00006' }])
  })

  it('are of another type where the run had ended before', async () => {
    await given(settled({ isAfterEnd: true, attempts: [attempt('openai')] }))
    expect(await stepsNow()).toMatchObject([{ type: 'post_completion_sweep' }])
  })

  it('count refusals without a step of their own beside those that have one', async () => {
    await given(of('rungate.CallBlocked.v1'), of('rungate.CallsBlocked.v1'), of('rungate.CallsBlocked.v1'))
    expect(await stepsNow()).toMatchObject([{ status: 'policy_blocked', code: 'model_not_allowed', cost_usd: '0' }])
    expect(await governanceEvents(database.db, accountId, runId)).toStrictEqual([
      { type: 'model_not_allowed', count: 81 },
    ])
  })
})

describe('the ledger', () => {
  it('has an entry for what cost something or used tokens, and its sum is what the run cost', async () => {
    await given(
      ...[of('rungate.RunStarted.v1'), of('rungate.CallSettled.v1'), of('rungate.CallBlocked.v1')],
      settled({ callId: uuidOf('free'), costUsd: '0.000', usage: { ...noUsage }, attempts: [] }),
      of('rungate.ToolCallLogged.v1'),
    )
    const amounts = (await ledgerNow()).map(({ cost }) => cost).toSorted()
    expect(amounts).toStrictEqual(['0.00006', '0.01'])
    expect((await findRun(database.db, accountId, runId))?.cost_usd).toBe('0.01006')
  })
})
const noUsage = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, webSearches: 0 }

describe('a cleanup', () => {
  it('counts what it will delete, and deletes just that', async () => {
    const later = uuidOf('a later run')
    await given(
      ...[of('rungate.RunStarted.v1'), of('rungate.CallSettled.v1'), of('rungate.CallsBlocked.v1')],
      ...[of('rungate.ToolCallLogged.v1'), of('rungate.RunEnded.v1')],
      ...[of('rungate.RunStarted.v1', { runId: later }), settled({ runId: later, callId: uuidOf('later call') })],
    )
    expect(await countOldData(database.db, accountId, timeAt(900))).toStrictEqual({
      runs: 1,
      steps: 3,
      ledger_entries: 2,
    })
    expect(await countOldData(database.db, accountId, timeAt(839))).toStrictEqual({
      runs: 0,
      steps: 0,
      ledger_entries: 0,
    })
    expect(await oldRuns(database.db, accountId, timeAt(900), 10)).toStrictEqual([
      { run_id: runId, steps: 3, ledger_entries: 2 },
    ])
    await given(of('rungate.OldDataDeleted.v1', { runIds: [runId] }))
    expect(await findRun(database.db, accountId, runId)).toBeUndefined()
    expect([await stepsNow(), (await stepsNow(later)).length, (await ledgerNow()).length]).toStrictEqual([[], 2, 1])
    expect(await governanceEvents(database.db, accountId, runId)).toStrictEqual([])
  })
})

describe('the figures', () => {
  const window = { accountId, since: timeAt(0), until: timeAt(86_400) }
  const page = { ...window, limit: 50, offset: 0 }
  const calls = Array.from({ length: 40 }, (_, index) =>
    settled({
      ...{ callId: uuidOf(`call ${index}`), startedAt: timeAt(index * 600), provider: index % 3 ? 'openai' : 'groq' },
      ...{ latencyMs: index * 7, costUsd: `0.000${index}1`, status: index % 5 ? 'success' : 'timeout' },
      ...{ servedModel: `m${index % 2}`, attempts: index % 8 ? [] : [attempt('x', 'http_error'), attempt('openai')] },
      ...{ isAfterEnd: index === 39 },
    }),
  )
  beforeEach(() =>
    given(of('rungate.RunStarted.v1'), ...calls, of('rungate.CallBlocked.v1'), of('rungate.ToolCallLogged.v1')),
  )
  const byHand = async <Row>(query: string) => (await sql<Row>`${sql.raw(query)}`.execute(database.db)).rows
  const MEANT = `type IN ('llm_call', 'tool_call', 'dry_run') AND account_id = '${accountId}'`
  const ANSWERED = `${MEANT} AND status IN ('success', 'error', 'timeout')`

  it('are the sums of the rows, by group', async () => {
    const { rows, total } = await analytics.costsBy(database.db, { ...page, groupBy: 'provider' })
    const hand = await byHand<{ provider: string }>(`SELECT provider AS "group", sum(cost_usd) AS total_cost_usd,
      count(*)::integer AS request_count FROM rungate_steps WHERE ${ANSWERED} GROUP BY 1 ORDER BY 2 DESC`)
    expect(total).toBe(3)
    expect(
      rows.map(({ group, total_cost_usd, request_count }) => ({ group, total_cost_usd, request_count })),
    ).toStrictEqual(hand)
  })

  it('are percentiles of the rows, by model and by the day', async () => {
    const { rows } = await analytics.latencyBy(database.db, { ...page, groupBy: 'model', granularity: 'day' })
    const hand =
      await byHand(`SELECT model AS "group", percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95_ms
      FROM rungate_steps WHERE ${ANSWERED} GROUP BY 1 ORDER BY count(*) DESC, 1`)
    expect(rows.map(({ group, p95_ms }) => ({ group, p95_ms }))).toStrictEqual(hand)
    expect(rows[0]?.period).toBe('2026-03-02T00:00:00.000Z')
  })

  it('count errors with what was refused, and rates without', async () => {
    const { rows } = await analytics.errorsBy(database.db, { ...page, groupBy: 'agent' })
    const [hand] = await byHand<Record<string, number>>(`SELECT count(*)::integer AS total,
      (count(*) FILTER (WHERE status = 'timeout'))::integer AS timeouts,
      (100.0 * count(*) FILTER (WHERE status IN ('error', 'timeout')) / count(*) FILTER (WHERE ${ANSWERED}))::float8 AS rate
      FROM rungate_steps WHERE ${MEANT}`)
    expect(rows).toMatchObject([
      {
        ...{ group: agentId, total_requests: hand?.total, timeout_count: hand?.timeouts, policy_blocked_count: 1 },
        ...{ error_rate_pct: hand?.rate, failover_count: 4, approval_pending_count: 0 },
      },
    ])
  })

  it('count approvals by the step that asked for them', async () => {
    const { stepId } = example('rungate.CallBlocked.v1').data
    await given(of('rungate.ApprovalRequested.v1', { stepId }))
    const { rows } = await analytics.errorsBy(database.db, { ...page, groupBy: 'model', model: 'gpt-5' })
    expect(rows).toMatchObject([{ approval_pending_count: 1, policy_blocked_count: 1, error_rate_pct: 0 }])
  })

  it('are cut into pages with the true total, also beyond the last one', async () => {
    const asked = { ...page, groupBy: 'day' as const, granularity: 'hour' as const }
    const all = await analytics.throughputBy(database.db, asked)
    const second = await analytics.throughputBy(database.db, { ...asked, limit: 2, offset: 2 })
    expect(second).toStrictEqual({ rows: all.rows.slice(2, 4), total: all.total })
    expect(await analytics.throughputBy(database.db, { ...asked, offset: 99 })).toStrictEqual({
      rows: [],
      total: all.total,
    })
  })

  it('rank by value, equal ones by name', async () => {
    const top = await analytics.topOf(database.db, { ...window, metric: 'requests', entity: 'model', limit: 2 })
    expect(top).toStrictEqual({
      rows: [
        { entity: 'm0', value: '20' },
        { entity: 'm1', value: '19' },
      ],
      total: 3,
    })
  })

  it('tell of providers without what was refused', async () => {
    const { rows } = await analytics.reliabilityBy(database.db, page)
    expect(rows.map(({ group, total_requests }) => [group, total_requests])).toStrictEqual([
      ['openai', 26],
      ['groq', 13],
      ['sdk', 1],
    ])
  })

  it('tell of runs and of a day', async () => {
    const [runs] = (await runFigures(database.db, { ...page, granularity: 'week' })).rows
    expect(runs).toMatchObject({ period: '2026-03-02T00:00:00.000Z', total_runs: 1, running_count: 1 })
    const empty = await runFigures(database.db, { ...page, since: timeAt(85_000) })
    expect(empty.rows).toMatchObject([{ total_runs: 0, total_cost_usd: '0', completion_rate_pct: 0 }])
    const day = await dayFigures(database.db, accountId, timeAt(0), timeAt(86_400))
    const [hand] = await byHand(`SELECT sum(cost_usd)::text AS spend FROM rungate_steps`)
    expect(day).toMatchObject({ agents: 1, runs: 1, completed: 0, ...(hand as object) })
  })
})
