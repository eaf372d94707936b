/** Examples of what happens at an agent's desk: a run with one call, one refusal, one tool call, and its end. */
import type { ApprovalEvent } from '../../../src/events/rungate/approval.ts'
import type { DeskBookEvent, DeskEvent, DeskTurnEvent } from '../../../src/events/rungate/desk.ts'
import type { PolicySettings } from '../../../src/events/rungate/policy-settings.ts'

export type DeskStoryEvent = DeskEvent | DeskBookEvent | DeskTurnEvent | ApprovalEvent

type Examples = {
  readonly [T in DeskStoryEvent['type']]: Extract<DeskStoryEvent, { type: T }>['data']
}

interface Ground {
  uuidOf: (name: string) => string
  timeAt: (seconds: number) => string
  accountId: string
  agentId: string
  policyId: string
  keyId: string
  settings: PolicySettings
  author: { id: string; tokenId: string | null }
}

export function deskExamples(ground: Ground): Examples {
  const { uuidOf, timeAt, accountId, agentId, policyId, keyId, settings, author } = ground
  const runId = uuidOf('rungate run')
  const callId = uuidOf('rungate call')
  const approvalId = uuidOf('rungate approval')
  const processId = uuidOf('rungate process')
  const of = (seconds: number) => ({ accountId, agentId, occurredAt: timeAt(seconds) })
  const ofRun = (seconds: number) => ({ ...of(seconds), runId, policyId })
  const noTokens = { input: 0, output: 0, cacheRead: 0, cacheCreation: 0 }
  const totals = (costUsd: string, stepCount: number, tokens = noTokens) => ({
    ...{ costUsd, stepCount, tokens, primaryModel: 'gpt-4o', hasGovernanceBlock: false, lastStepAt: timeAt(832) },
  })
  const call = {
    ...({ callId, startedAt: timeAt(831), format: 'openai', type: 'llm_call', model: 'gpt-4o' } as const),
    ...{ routedFrom: null, isStreaming: false },
  }
  const held = { usd: '0.00005', inputTokens: 20, outputTokens: 10 }
  const rates = { input: '2.5', output: '10', cacheRead: '1.25', cacheWrite5m: '2.5', cacheWrite1h: '2.5' }
  const prices = { source: 'gpt-4o', tiers: [{ above: 0, ...rates }], webSearch: '0', perCall: '0' }
  const used = { ...noTokens, input: 8, output: 4 }
  const spent = totals('0.00006', 1, used)
  const ofApproval = (seconds: number) => ({ ...of(seconds), approvalId, runId, policyId, toolName: 'delete_file' })
  const run = {
    ...{ runId, policyId, policyName: 'careful', policyVersion: 1, agentName: 'writer', settings, name: null },
    ...({ metadata: {}, status: 'running', startedAt: timeAt(830), lastActivityAt: timeAt(832) } as const),
    ...{ lastStepAt: timeAt(832), costUsd: '0.00006', tokens: used, stepCount: 1, ordinal: 1 },
    ...{ hasGovernanceBlock: false, keptUsd: '0', keptTokens: 0, models: { 'gpt-4o': 1 }, isOverThreshold: false },
    ...{ outcome: null, outcomeReason: null, awaits: {}, blocked: {} },
  }
  return {
    'rungate.RunStarted.v1': {
      ...ofRun(830),
      ...{ agentName: 'writer', memberId: null, policyName: 'careful', policyVersion: 1, settings },
      ...{ name: 'nightly', metadata: { job: 7 }, creationMethod: 'implicit' },
    },
    'rungate.CallReserved.v1': {
      ...ofRun(831),
      ...call,
      ...{ provider: 'openai', held, estimatedInputTokens: 5, clampedTo: null, processId, expiresAt: timeAt(1_200) },
      prices: [{ provider: 'openai', model: 'gpt-4o', prices }],
      ...{ ordinal: 0, run: { ...totals('0', 1), lastStepAt: null } },
    },
    'rungate.CallSettled.v1': {
      ...ofRun(832),
      ...call,
      ...{ isAfterEnd: false, replacesHeld: false, status: 'success', provider: 'openai', servedModel: 'gpt-4o' },
      providerKeyId: keyId,
      usage: { input: 8, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 4, webSearches: 0 },
      ...{ isEstimated: false, costUsd: '0.00006', prices, held, clampedTo: null, latencyMs: 812 },
      timeToFirstByteMs: 640,
      attempts: [
        {
          ...{ provider: 'openai', model: 'gpt-4o', keyId, status: 500, kind: 'http_error', error: 'overloaded' },
          ...{ latencyMs: 30, mayHaveCostUsd: null },
        },
        {
          ...{ provider: 'openai', model: 'gpt-4o', keyId, status: 200, kind: null, error: null },
          ...{ latencyMs: 782, mayHaveCostUsd: null },
        },
      ],
      skipped: [{ provider: 'anthropic', reason: 'no model is mapped' }],
      ...{ errorKind: null, errorStatus: null, errorMessage: null, finishReason: 'stop', hasContent: false },
      ...{ ordinal: 0, run: spent },
    },
    'rungate.CallBlocked.v1': {
      ...ofRun(833),
      ...{ stepId: uuidOf('rungate refused call'), format: 'openai', model: 'gpt-5', routedFrom: null },
      ...{ provider: 'openai', isStreaming: false, status: 'policy_blocked', code: 'model_not_allowed' },
      ...{ message: 'The policy does not allow the model gpt-5.', details: { asked: 'gpt-5' }, awaits: null },
      ...{ ordinal: 1, run: { ...spent, hasGovernanceBlock: true } },
    },
    'rungate.CallsBlocked.v1': {
      ...ofRun(834),
      ...{ stepId: uuidOf('rungate refused call'), code: 'model_not_allowed', count: 40 },
      run: { ...spent, hasGovernanceBlock: true },
    },
    'rungate.DecisionNoted.v1': {
      ...ofRun(834),
      ...{ approvalId: uuidOf('rungate approval'), fingerprint: 'ab'.repeat(32), decision: 'approved' },
    },
    'rungate.ToolCallLogged.v1': {
      ...ofRun(835),
      ...{ stepId: uuidOf('rungate tool call'), name: 'web_search', provider: 'sdk', status: 'success' },
      ...{ tokens: noTokens, costUsd: '0.01', latencyMs: 90, errorMessage: null, hasContent: false },
      ...{ ordinal: 2, run: totals('0.01006', 2, used) },
    },
    'rungate.RunAnnotated.v1': { ...ofRun(836), name: 'weekly', outcome: 'partial', author },
    'rungate.AlertThresholdReached.v1': {
      ...ofRun(837),
      ...{ threshold: 'usd', thresholdUsd: '0.01', thresholdTokens: null, action: 'continue_and_alert' },
      run: totals('0.01006', 2, used),
    },
    'rungate.CallExpired.v1': {
      ...ofRun(838),
      ...{ ...call, callId: uuidOf('rungate lost call') },
      ...{ provider: 'openai', held, isAfterEnd: false, ordinal: 3, run: totals('0.01006', 3, used) },
    },
    'rungate.RunEnded.v1': {
      ...ofRun(839),
      ...{ startedAt: timeAt(830), name: 'weekly', status: 'force_stopped', endedReason: 'admin_stopped' },
      ...{ completionReason: null, outcome: 'partial', outcomeReason: null, metadata: { job: 7 }, author },
      ...{ openCalls: 0, run: totals('0.01006', 3, used) },
    },
    'rungate.ForceStopLifted.v1': { ...ofRun(840), author },
    'rungate.BookClosed.v1': { ...of(841), book: 1, events: 20_000 },
    'rungate.BookOpened.v1': {
      ...of(841),
      book: 2,
      state: {
        at: timeAt(840),
        runs: [run],
        calls: [],
        windows: [
          {
            policyId,
            seconds: [{ at: 1_772_442_032, requests: 1, tokens: 12 }],
            minutes: [{ at: 29_540_700, usd: '0.00006' }],
          },
        ],
        ended: [{ runId: uuidOf('rungate earlier run'), status: 'completed' }],
        stops: [],
      },
    },
    'rungate.BookTurned.v1': { ...of(841), book: 2 },
    'rungate.TurnAsked.v1': { ...of(842), processId },
    'rungate.ApprovalRequested.v1': {
      ...ofApproval(843),
      ...{ agentName: 'writer', fingerprint: 'cd'.repeat(32), ordinal: 0, stepId: callId, format: 'openai' },
      ...{ model: 'gpt-4o', sealedRequest: null, requestBytes: 70_000, expiresAt: timeAt(29_643) },
    },
    'rungate.ApprovalApproved.v1': { ...ofApproval(844), author },
    'rungate.ApprovalRejected.v1': { ...ofApproval(845), author, reason: 'not on production' },
    'rungate.ApprovalExpired.v1': ofApproval(29_643),
  }
}

/** The stream of a desk's event or of an approval's; undefined for others. */
export function deskStreamOf({ type, data }: { type: string; data: Record<string, unknown> }): string | undefined {
  const name = type.split('.')[1] ?? ''
  if (name.startsWith('Approval')) return `rungate.approval-${data.approvalId}`
  if (name === 'BookTurned') return `rungate.deskBook-${data.agentId}`
  if (name === 'TurnAsked') return `rungate.deskTurn-${data.agentId}`
  if (name === 'BookOpened') return `rungate.desk-${data.agentId}.${data.book}`
  return /^(Run|Call|ToolCall|DecisionNoted|AlertThreshold|ForceStop|BookClosed)/.test(name)
    ? `rungate.desk-${data.agentId}`
    : undefined
}
