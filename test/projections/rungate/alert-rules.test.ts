/** Which alert rules have met their condition, out of the steps and approvals of their account. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { alertRule } from '../../../src/commands/rungate/alert-rule.ts'
import { rungate } from '../../../src/contexts/rungate.ts'
import type { Recorded } from '../../../src/events/event.ts'
import type { AlertCondition } from '../../../src/events/rungate/alert-rule.ts'
import { projectionsCheckpoint } from '../../../src/projections/checkpoint.ts'
import { metRules } from '../../../src/projections/rungate/alert-rule.ts'
import { createRecorder, type DataOf, type ExampleType, example, timeAt, uuidOf } from '../../support/examples.ts'
import { specify } from '../../support/given.ts'
import { empty, type Prepared, prepared, writerOn } from '../support.ts'

const { projections } = rungate
let database: Prepared
beforeAll(async () => {
  database = await prepared(projections, 'rungate')
})
afterAll(() => database.drop())
beforeEach(() => empty(database.db, projections))

const { record } = createRecorder()
const of = <T extends ExampleType>(type: T, data: Partial<DataOf<T>> = {}): Recorded => record(example(type, data))
const given = (...events: Recorded[]) =>
  writerOn(database.db, { projections, checkpoint: projectionsCheckpoint('rungate') }).write(events)
const { rule } = example('rungate.AlertRuleCreated.v1').data
const { agentId } = example('rungate.RunStarted.v1').data
const ruled = (condition: AlertCondition, more: Partial<typeof rule> = {}) =>
  of('rungate.AlertRuleCreated.v1', { rule: { ...rule, ...more, condition } })
const call = (index: number, data: Partial<DataOf<'rungate.CallSettled.v1'>> = {}) =>
  of('rungate.CallSettled.v1', { callId: uuidOf(`call ${index}`), startedAt: timeAt(index), attempts: [], ...data })
const met = async (type: AlertCondition['type'], seconds: number) =>
  (await metRules(database.db, type, new Date(timeAt(seconds)), 10)).map(({ observed }) => observed)

describe('an alert rule is met', () => {
  it('by what was spent in its window', async () => {
    const condition = { type: 'cost_threshold', thresholdUsd: '0.00012', windowMinutes: 1 } as const
    await given(ruled(condition), call(1), call(2))
    expect(await met('cost_threshold', 30)).toStrictEqual(['0.00012'])
    expect(await met('cost_threshold', 62)).toStrictEqual([])
  })

  it('by the part of calls that failed, once there are enough of them', async () => {
    const condition = { type: 'error_rate', thresholdPct: 50, windowMinutes: 5, minRequests: 2 } as const
    await given(ruled(condition), call(1, { status: 'timeout' }))
    expect(await met('error_rate', 10)).toStrictEqual([])
    await given(call(2))
    expect(await met('error_rate', 10)).toStrictEqual(['50'])
    await given(call(3))
    expect(await met('error_rate', 10)).toStrictEqual([])
  })

  it('by the agent that it is about alone', async () => {
    const condition = { type: 'cost_threshold', thresholdUsd: '0.00001', windowMinutes: 5 } as const
    await given(ruled(condition, { agentId: uuidOf('another') }), call(1))
    expect(await met('cost_threshold', 10)).toStrictEqual([])
  })

  it('by calls that come near to what the policy allows within a minute', async () => {
    const created = example('rungate.PolicyCreated.v1').data
    const rateLimits = { maxRequestsPerMinute: 4, maxTokensPerMinute: null }
    const policy = of('rungate.PolicyCreated.v1', { settings: { ...created.settings, rateLimits } })
    const condition = { type: 'rate_limit_approaching', thresholdPct: 75 } as const
    await given(policy, of('rungate.AgentCreated.v1'), ruled(condition, { agentId }), call(1), call(2))
    expect(await met('rate_limit_approaching', 10)).toStrictEqual([])
    await given(call(3))
    expect(await met('rate_limit_approaching', 10)).toStrictEqual(['75'])
    expect(await met('rate_limit_approaching', 62)).toStrictEqual([])
  })

  it('by an approval that waits too long, until it is decided', async () => {
    const condition = { type: 'approval_pending_timeout', timeoutMinutes: 5 } as const
    await given(ruled(condition), of('rungate.ApprovalRequested.v1'))
    expect(await met('approval_pending_timeout', 843 + 299)).toStrictEqual([])
    expect(await met('approval_pending_timeout', 843 + 330)).toStrictEqual(['5.5'])
    await given(of('rungate.ApprovalApproved.v1'))
    expect(await met('approval_pending_timeout', 843 + 330)).toStrictEqual([])
  })

  it('not while it is disabled, and not again within its cooldown', async () => {
    const condition = { type: 'cost_threshold', thresholdUsd: '0.00001', windowMinutes: 60 } as const
    await given(ruled(condition), call(1), of('rungate.AlertTriggered.v1'))
    expect(await met('cost_threshold', 864 + 299)).toStrictEqual([])
    expect(await met('cost_threshold', 864 + 300)).toStrictEqual(['0.00006'])
    await given(of('rungate.AlertRuleDisabled.v1'))
    expect(await met('cost_threshold', 864 + 300)).toStrictEqual([])
  })
})

describe('a rule that is met', () => {
  const given = specify(alertRule)
  const created = example('rungate.AlertRuleCreated.v1')
  const trigger = (seconds: number) => ({ kind: 'trigger' as const, observed: '6', at: timeAt(seconds) })
  const { accountId, ruleId } = created.data

  it('goes off', () => {
    const data = { accountId, ruleId, rule, observed: '6', occurredAt: timeAt(900) }
    given([created])
      .when(trigger(900))
      .then([{ type: 'rungate.AlertTriggered.v1', data }])
  })

  it('goes off no more within its cooldown, nor once it is disabled or deleted', () => {
    given([created, example('rungate.AlertTriggered.v1')])
      .when(trigger(864 + 299))
      .then([])
    given([created, example('rungate.AlertRuleDisabled.v1')])
      .when(trigger(9_000))
      .then([])
    given([created, example('rungate.AlertRuleDeleted.v1')])
      .when(trigger(9_000))
      .then([])
  })
})
