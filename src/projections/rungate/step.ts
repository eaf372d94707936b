/**
 * Steps: what a run did, a row for each. A call that took several attempts has a row for each that was tried again at the same
 * provider, and one where another provider took over. Refusals beyond those with a step of their own are counted beside them.
 */
import type { Attempt, FailureKind } from '../../events/rungate/call-facts.ts'
import type { CleanupEvent } from '../../events/rungate/cleanup.ts'
import type { DeskEvent, DeskFacts } from '../../events/rungate/desk.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, boolean, integer, jsonb, numeric, text, time, uuid } from '../columns.ts'
import {
  type Change,
  defineProjection,
  defineTable,
  type RowOf,
  removeAll,
  upsert,
  type WrittenOf,
} from '../projection.ts'
import { callTokens, tokenColumns } from './tokens.ts'

export type StepType = 'llm_call' | 'dry_run' | 'tool_call' | 'retry' | 'failover_transition' | 'post_completion_sweep'
export type StepStatus = 'success' | 'error' | 'timeout' | 'policy_blocked' | 'budget_blocked'

export const steps = defineTable({
  name: 'rungate_steps',
  key: ['step_id', 'part'],
  columns: {
    /** Of the call, which all of its rows have. */
    step_id: uuid,
    /** The row's place among those of the call; its own row has LAST_PART. */
    part: integer,
    run_id: uuid,
    account_id: uuid,
    agent_id: uuid,
    policy_id: uuid,
    /** The call's place among the run's. */
    ordinal: integer,
    type: text.of<StepType>(),
    status: text.of<StepStatus>(),
    provider: text,
    model: text,
    /** What the client asked for, where the policy's override replaced it. */
    routed_from: text.orNull,
    provider_key_id: uuid.orNull,
    is_streaming: boolean,
    input_tokens: bigint,
    output_tokens: bigint,
    cache_read_tokens: bigint,
    cache_creation_tokens: bigint,
    cost_usd: numeric,
    is_estimated: boolean,
    latency_ms: integer,
    time_to_first_byte_ms: integer.orNull,
    /** Providers that failed before the one that served; 0: no other was asked. */
    failover_attempts: integer,
    error_kind: text.of<FailureKind>().orNull,
    error_status: integer.orNull,
    error_message: text.orNull,
    /** Those that failed; null where the row is not about them. */
    attempts: jsonb.of<Attempt[]>().orNull,
    /** Of a refusal: as the client was told. */
    code: text.orNull,
    details: jsonb.of<Record<string, unknown>>().orNull,
    has_content: boolean,
    created_at: time,
  },
  indexes: [
    '(account_id, created_at)',
    '(run_id, created_at, ordinal, part)',
    '(provider_key_id, created_at) WHERE provider_key_id IS NOT NULL',
  ],
})
export type StepRow = RowOf<typeof steps>
type Row = WrittenOf<typeof steps>

/** Refusals of one kind within a minute, of which each has no step of its own. */
export const refusals = defineTable({
  name: 'rungate_refusals',
  key: ['event_id'],
  columns: {
    event_id: uuid,
    run_id: uuid,
    account_id: uuid,
    step_id: uuid,
    code: text,
    count: integer,
    created_at: time,
  },
  indexes: ['(run_id)'],
})

type Settled = DeskFacts<'rungate.CallSettled.v1'>
type Expired = DeskFacts<'rungate.CallExpired.v1'>

/** The call's own row stands behind those of its attempts. */
export const LAST_PART = 1_000

const nothing = {
  ...tokenColumns({ input: 0, output: 0, cacheRead: 0, cacheCreation: 0 }),
  ...{ cost_usd: '0', is_estimated: false, latency_ms: 0, time_to_first_byte_ms: null, failover_attempts: 0 },
  ...{ error_kind: null, error_status: null, error_message: null, attempts: null, code: null, details: null },
  ...{ has_content: false, provider_key_id: null },
} satisfies Partial<Row>

const placed = (data: { runId: string; accountId: string; agentId: string; policyId: string; ordinal: number }) =>
  snake(data, 'runId', 'accountId', 'agentId', 'policyId', 'ordinal')

type Attempts = Pick<Settled, 'attempts' | 'status'>
const failedOf = ({ attempts }: Pick<Settled, 'attempts'>): Attempt[] => attempts.filter(({ kind }) => kind !== null)

/** Providers that failed, beside the one that served the call. */
function providersFailed({ attempts, status }: Attempts): number {
  const served = status === 'success' ? attempts.at(-1)?.provider : undefined
  return new Set(failedOf({ attempts }).flatMap(({ provider }) => (provider === served ? [] : [provider]))).size
}

/** Whether a provider that was not asked first served the call, or several failed (brief, section 4). */
export const isFailover = (call: Attempts): boolean => providersFailed(call) > (call.status === 'success' ? 0 : 1)

/** What every row of a call says. */
const ofCall = (data: Settled | Expired) => ({
  ...{ ...nothing, ...placed(data), step_id: data.callId, created_at: data.startedAt },
  ...{ routed_from: data.routedFrom, is_streaming: data.isStreaming },
})

const typeOf = ({ isAfterEnd, type }: Settled | Expired): StepType => (isAfterEnd ? 'post_completion_sweep' : type)

/** An attempt that was followed by another at the same provider. */
function retriesOf(data: Settled): Row[] {
  return data.attempts.flatMap((attempt, index) => {
    const next = data.attempts[index + 1]
    if (attempt.kind === null || next?.provider !== attempt.provider) return []
    return [
      {
        ...{ ...ofCall(data), part: index, type: 'retry' as const },
        ...{
          status: statusOf(attempt),
          provider: attempt.provider,
          model: attempt.model,
          provider_key_id: attempt.keyId,
        },
        ...{ latency_ms: attempt.latencyMs, error_kind: attempt.kind, error_status: attempt.status },
        error_message: attempt.error,
      },
    ]
  })
}

const TIMEOUTS: readonly (FailureKind | null)[] = ['tcp_connect_timeout', 'request_timeout', 'first_events_timeout']
const statusOf = ({ kind }: Attempt): StepStatus => (TIMEOUTS.includes(kind) ? 'timeout' : 'error')

/** The row that says how another provider took over, where one did. */
export function transitionOf(data: Settled): Row[] {
  if (!isFailover(data)) return []
  const failed = failedOf(data)
  const isServed = data.status === 'success'
  return [
    {
      ...{ ...ofCall(data), part: data.attempts.length, type: 'failover_transition' },
      ...{ status: isServed ? 'success' : 'error', provider: data.provider, model: data.servedModel ?? data.model },
      ...{ provider_key_id: data.providerKeyId, attempts: failed, failover_attempts: providersFailed(data) },
    },
  ]
}

/** The row of a call that has ended. */
export function settledRow(data: Settled): Row {
  const failed = failedOf(data)
  return {
    ...{ ...ofCall(data), part: LAST_PART, type: typeOf(data), status: data.status },
    ...{ provider: data.provider, model: data.servedModel ?? data.model, provider_key_id: data.providerKeyId },
    ...{ ...tokenColumns(callTokens(data.usage)), cost_usd: data.costUsd },
    ...snake(data, 'isEstimated', 'latencyMs', 'timeToFirstByteMs', 'errorKind', 'errorStatus', 'errorMessage'),
    failover_attempts: isFailover(data) ? providersFailed(data) : 0,
    ...{ attempts: data.status === 'success' ? null : failed, has_content: data.hasContent },
  }
}

/** A call of which nobody knows how it ended. */
export const expiredRow = (data: Expired): Row => ({
  ...{ ...ofCall(data), part: LAST_PART, type: typeOf(data), status: 'error' },
  ...{ provider: data.provider, model: data.model, error_kind: 'unknown' },
  error_message: `Nobody knows how the call ended; it may have cost up to ${data.held.usd} USD.`,
  latency_ms: Math.max(0, Date.parse(data.occurredAt) - Date.parse(data.startedAt)),
})

/** A call that was refused. */
export const blockedRow = (data: DeskFacts<'rungate.CallBlocked.v1'>): Row => ({
  ...{ ...nothing, ...placed(data), step_id: data.stepId, part: LAST_PART, type: 'llm_call', status: data.status },
  ...snake(data, 'provider', 'model', 'routedFrom', 'isStreaming', 'code', 'details'),
  ...{ error_message: data.message, created_at: data.occurredAt },
})

/** A tool call as it is shown. */
export const toolCallRow = (data: DeskFacts<'rungate.ToolCallLogged.v1'>): Row => ({
  ...{ ...nothing, ...placed(data), step_id: data.stepId, part: LAST_PART, type: 'tool_call', model: data.name },
  ...{ ...tokenColumns(data.tokens), routed_from: null, is_streaming: false, created_at: data.occurredAt },
  ...snake(data, 'provider', 'status', 'costUsd', 'latencyMs', 'errorMessage', 'hasContent'),
})

const written = (row: Row): Change => upsert(steps, row)

export const stepProjection = defineProjection<DeskEvent | CleanupEvent>({
  name: 'rungate.step',
  version: 1,
  onPoison: 'halt',
  tables: [steps, refusals],
  handlers: {
    'rungate.CallSettled.v1': ({ data }) => [...retriesOf(data), ...transitionOf(data), settledRow(data)].map(written),
    'rungate.CallExpired.v1': ({ data }) => [written(expiredRow(data))],
    'rungate.CallBlocked.v1': ({ data }) => [written(blockedRow(data))],
    'rungate.CallsBlocked.v1': ({ id, data }) => [
      upsert(refusals, {
        ...snake(data, 'runId', 'accountId', 'stepId', 'code', 'count'),
        ...{ event_id: id, created_at: data.occurredAt },
      }),
    ],
    'rungate.ToolCallLogged.v1': ({ data }) => [written(toolCallRow(data))],
    'rungate.OldDataDeleted.v1': ({ data: { runIds } }) => [
      ...runIds.map((run_id) => removeAll(steps, { run_id })),
      ...runIds.map((run_id) => removeAll(refusals, { run_id })),
    ],
  },
})
