/** GET /api/analytics/costs, latency, errors, throughput, provider-reliability and top: figures of calls and tool calls. */
import { z } from '@hono/zod-openapi'
import * as analytics from '../../../projections/rungate/analytics.ts'
import { json } from '../../answers.ts'
import { boundedText, nullableTimeOut } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import { idOf } from '../runs/inputs.ts'
import { accountShown } from '../runs/up-to-date.ts'
import { decimalNumber, listOfData, usdOut } from '../schemas.ts'
import { asked, figuresQuery, LIMITS, ofAgent, pageQuery, topLimit, windowQuery } from './window.ts'

const count = z.int()
const grouped = { group: z.string(), period: nullableTimeOut }
const groups = ['provider', 'model', 'agent', 'provider_key'] as const
const common = { tags: ['Analytics'], access: dashboard('read') }

const cost = z
  .object({ ...grouped, total_cost_usd: usdOut, total_tokens: count, request_count: count })
  .openapi('CostAnalyticsResult')

export const getCostAnalytics = read({
  ...common,
  path: '/api/analytics/costs',
  id: 'getCostAnalytics',
  summary: 'What calls cost',
  description: 'Sums up the cost of calls and tool calls in the window, by group, and by period where you name one.',
  query: figuresQuery(['agent', 'provider', 'model', 'day']),
  answer: json(listOfData(cost), 'The sums, the greatest first.'),
  async handle({ db, clock, principal, query, ...parts }) {
    await accountShown(parts, principal.accountId)
    const groupBy = query.group_by
    const { rows, total } = await analytics.costsBy(db, { ...asked(principal, query, clock()), groupBy })
    const data = rows.map(({ group, period, total_cost_usd, total_tokens, request_count }) => ({
      ...{ group, period, total_cost_usd: decimalNumber(total_cost_usd), total_tokens: Number(total_tokens) },
      request_count,
    }))
    return { data, total }
  },
})

const latency = z.object({
  ...grouped,
  ...{ p50_ms: z.number(), p95_ms: z.number(), p99_ms: z.number(), avg_ms: z.number(), request_count: count },
})

export const getLatencyAnalytics = read({
  ...common,
  path: '/api/analytics/latency',
  id: 'getLatencyAnalytics',
  summary: 'How long calls took',
  description: 'Answers with percentiles over the calls of the window, without those that were refused.',
  query: figuresQuery(groups),
  answer: json(listOfData(latency), 'The percentiles, the group with most calls first.'),
  async handle({ db, clock, principal, query, ...parts }) {
    await accountShown(parts, principal.accountId)
    const groupBy = query.group_by
    const { rows, total } = await analytics.latencyBy(db, { ...asked(principal, query, clock()), groupBy })
    const data = rows.map(({ group, period, p50_ms, p95_ms, p99_ms, avg_ms, request_count }) => ({
      ...{ group, period, p50_ms, p95_ms, p99_ms, avg_ms, request_count },
    }))
    return { data, total }
  },
})

const errors = z.object({
  ...grouped,
  ...{ total_requests: count, success_count: count, error_count: count, timeout_count: count },
  ...{ budget_blocked_count: count, policy_blocked_count: count, approval_pending_count: count },
  ...{ error_rate_pct: z.number(), failover_count: count, avg_failover_attempts: z.number() },
})

export const getErrorAnalytics = read({
  ...common,
  path: '/api/analytics/errors',
  id: 'getErrorAnalytics',
  summary: 'How calls ended',
  description: 'Counts calls by how they ended. The rate is of those that reached a provider.',
  query: figuresQuery(groups),
  answer: json(listOfData(errors), 'The counts, the group with most calls first.'),
  async handle({ db, clock, principal, query, ...parts }) {
    await accountShown(parts, principal.accountId)
    const groupBy = query.group_by
    const { rows, total } = await analytics.errorsBy(db, { ...asked(principal, query, clock()), groupBy })
    return { data: rows.map(({ total: _, ...row }) => row), total }
  },
})

const throughput = z.object({
  ...grouped,
  ...{ request_count: count, input_tokens: count, output_tokens: count, cache_read_tokens: count },
  ...{ cache_creation_tokens: count, total_tokens: count, total_cost_usd: usdOut },
})

export const getThroughputAnalytics = read({
  ...common,
  path: '/api/analytics/throughput',
  id: 'getThroughputAnalytics',
  summary: 'How much calls carried',
  description: 'Sums up calls, tokens and cost in the window, by group, and by period where you name one.',
  query: figuresQuery(groups),
  answer: json(listOfData(throughput), 'The sums, the group with most calls first.'),
  async handle({ db, clock, principal, query, ...parts }) {
    await accountShown(parts, principal.accountId)
    const groupBy = query.group_by
    const { rows, total } = await analytics.throughputBy(db, { ...asked(principal, query, clock()), groupBy })
    const data = rows.map((row) => ({
      ...{ group: row.group, period: row.period, request_count: row.request_count },
      ...{ input_tokens: Number(row.input_tokens), output_tokens: Number(row.output_tokens) },
      cache_read_tokens: Number(row.cache_read_tokens),
      cache_creation_tokens: Number(row.cache_creation_tokens),
      ...{ total_tokens: Number(row.total_tokens), total_cost_usd: decimalNumber(row.total_cost_usd) },
    }))
    return { data, total }
  },
})

const reliability = z.object({
  ...{ provider: z.string(), total_requests: count, success_count: count, error_count: count },
  ...{ success_rate_pct: z.number(), avg_latency_ms: z.number(), p50_latency_ms: z.number() },
  ...{ p95_latency_ms: z.number(), failover_count: count, total_cost_usd: usdOut },
})

export const getProviderReliability = read({
  ...common,
  path: '/api/analytics/provider-reliability',
  id: 'getProviderReliability',
  summary: 'How reliable providers were',
  description: 'Answers with what each provider served and failed at in the window; a timeout is an error.',
  query: z.object({ ...ofAgent, ...windowQuery, ...pageQuery }),
  answer: json(listOfData(reliability), 'The providers, the one with most calls first.'),
  async handle({ db, clock, principal, query, ...parts }) {
    await accountShown(parts, principal.accountId)
    const { rows, total } = await analytics.reliabilityBy(db, asked(principal, query, clock()))
    const data = rows.map(({ total: _, group, period: __, total_cost_usd, ...row }) => ({
      ...{ provider: group, ...row, total_cost_usd: decimalNumber(total_cost_usd) },
    }))
    return { data, total }
  },
})

const ranked = z.object({ rank: count, entity: z.string(), value: z.number() })

export const getTopN = read({
  ...common,
  path: '/api/analytics/top',
  id: 'getTopN',
  summary: 'What leads by a figure',
  description: 'Ranks agents, models or providers by a figure of the window; equal ones stand by name.',
  query: z.object({
    metric: z.enum(['spend', 'requests', 'tokens', 'latency_p95', 'errors']),
    entity: z.enum(['agent', 'model', 'provider']),
    ...{ ...windowQuery, limit: topLimit, agent_id: boundedText(100).optional() },
  }),
  answer: json(listOfData(ranked), 'The ranking.'),
  async handle({ db, clock, principal, query: asks, ...parts }) {
    await accountShown(parts, principal.accountId)
    const { metric, entity, limit = LIMITS.topDefault, agent_id, ...query } = asks
    const agentId = agent_id === undefined ? undefined : idOf(agent_id)
    if (agent_id !== undefined && agentId === undefined) return { data: [], total: 0 }
    const window = { ...asked(principal, query, clock()), agentId, limit }
    const { rows, total } = await analytics.topOf(db, { ...window, metric, entity })
    const data = rows.map(({ entity: name, value }, index) => ({
      ...{ rank: index + 1, entity: name, value: decimalNumber(value) },
    }))
    return { data, total }
  },
})
