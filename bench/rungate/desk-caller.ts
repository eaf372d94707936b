/** One process at an agent's desk: keeps so many calls under way, each admitted, and settled at once. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { DeskBusy } from '../../src/commands/desk-interface.ts'
import { type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import { createDesks } from '../../src/commands/rungate/desk/desks.ts'
import type { CallFacts, Candidates, SettlementFacts } from '../../src/commands/rungate/desk/interface.ts'
import { loadContexts } from '../../src/contexts.ts'
import { createRegistry } from '../../src/events/registry.ts'
import { defaultSettings } from '../../src/events/rungate/policy-settings.ts'
import { createEventStore } from '../../src/events/store.ts'
import { isPoison, runSubscription } from '../../src/events/subscription.ts'
import { limitsOf, rulesOf } from '../../src/processes/rungate/desks.ts'
import { rungateSettings } from '../../src/processes/rungate/settings.ts'
import type { DeskAnswer, DeskOrder } from './desk.ts'

const rates = { input: '2.5', output: '10', cacheRead: '1.25', cacheWrite5m: '2.5', cacheWrite1h: '2.5' }
const prices = { source: 'gpt-4o', tiers: [{ above: 0, ...rates }], webSearch: '0', perCall: '0' }
const priced = { prices, contextTokens: 128_000, maxOutputTokens: 16_384, cachesUnasked: false }
const candidates: Candidates = {
  reachable: [{ provider: 'openai', format: 'openai', model: 'gpt-4o', keys: [], priced }],
  ...{ skipped: [], owner: 'openai', timeoutMs: 120_000, longestMs: 130_000 },
}
const policy: CallFacts['policy'] = {
  ...{ policyId: randomUUID(), name: 'bench', version: 1 },
  settings: {
    ...defaultSettings,
    budget: { ...defaultSettings.budget, hardLimitUsd: '100000' },
    runawayPrevention: { enabled: false, maxStepsPerRun: 0 },
  },
}

const callOf = ({ accountId, agentId }: DeskOrder): CallFacts => ({
  ...{ callId: randomUUID(), newRunId: randomUUID(), policy },
  agent: { accountId, agentId, name: 'bench', memberId: null },
  run: { runId: null, isNew: false, name: null, metadata: null, known: null },
  ...{ format: 'openai', model: 'gpt-4o', tools: [], fingerprint: null, approvals: [], isStreaming: false },
  size: {
    prompt: {
      ...{ textBytes: 400, messages: 2, hasTools: false, mediaTokens: 0, isOpen: false, predictionTokens: 0 },
    },
    ...{ cacheControl: 'none', choices: 1 },
  },
  ...{ estimatedInputTokens: 100, maxOutputTokens: 500, thinkingTokens: null, mayCount: false, monthlyStepsLeft: null },
})

const settlementOf = (callId: string): SettlementFacts => ({
  ...{ callId, status: 'success', provider: 'openai', servedModel: 'gpt-4o', providerKeyId: policy.policyId },
  usage: { input: 100, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 40, webSearches: 0 },
  ...{ isEstimated: false, costUsd: '0.00065', prices, latencyMs: 2, timeToFirstByteMs: 1, attempts: [], skipped: [] },
  ...{ errorKind: null, errorStatus: null, errorMessage: null, finishReason: 'stop', hasContent: false },
})

const contextOf = (agentId: string): CommandContext => {
  const id = randomUUID()
  return {
    ...{ commandId: id, fingerprint: undefined, actor: { kind: 'agent', id: agentId }, requestId: id },
    ...{ correlationId: id, traceparent: undefined, at: new Date().toISOString() },
  }
}

async function work(order: DeskOrder): Promise<DeskAnswer> {
  const { url, accountId, agentId, concurrency, seconds } = order
  const registry = createRegistry(await loadContexts(['rungate']))
  const store = createEventStore({ url, registry, deadlineMs: 3_000, appendAttemptsMax: 3 })
  let appends = 0
  const counted = {
    ...store,
    append: (...appending: Parameters<typeof store.append>) => {
      appends += 1
      return store.append(...appending)
    },
  }
  const settings = rungateSettings.parse({})
  const processId = randomUUID()
  const desks = createDesks({
    surroundings: { store: counted, elapsedMs: () => performance.now(), pause: (ms) => delay(ms) },
    bus: createCommandBus(store, { cachedAggregatesMax: 10, seenCommandsMax: 1_000, conflictRetriesMax: 3 }),
    ...{ limits: limitsOf(settings), rules: rulesOf(settings), processId, now: () => new Date() },
    onError: (error) => process.stderr.write(`${error}\n`),
  })
  const stopping = new AbortController()
  const following = runSubscription({
    ...{ url, registry, name: 'bench', types: ['rungate.TurnAsked.v'], signal: stopping.signal },
    from: async () => (await store.head())?.position,
    onBatch: async (events) => {
      for (const event of events)
        if (!isPoison(event) && event.type === 'rungate.TurnAsked.v1') desks.follow(event as never)
    },
    ...{ batchMax: 100, readTimeoutMs: 8_000, backoffMinMs: 100, backoffMaxMs: 1_000, onError: () => undefined },
  })
  let busy = 0
  const latenciesMs: number[] = []
  const beganMs = performance.now()
  const warmMs = beganMs + 1_000
  const caller = async () => {
    while (performance.now() < warmMs + seconds * 1_000) {
      const sentMs = performance.now()
      const call = callOf(order)
      try {
        const admitted = await desks.admit(call, () => candidates, contextOf(agentId))
        if (admitted.kind !== 'admitted') throw new Error(JSON.stringify(admitted))
        desks.settle({ accountId, agentId }, settlementOf(call.callId), contextOf(agentId))
        if (sentMs >= warmMs) latenciesMs.push(performance.now() - sentMs)
      } catch (error) {
        if (!(error instanceof DeskBusy)) throw error
        busy += 1
      }
      if (sentMs < warmMs) appends = 0
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller))
  const perSecond = latenciesMs.length / ((performance.now() - warmMs) / 1_000)
  await desks.drained()
  stopping.abort()
  await following
  await store.close()
  return { perSecond, latenciesMs, appends, busy }
}

process.once('message', (order) => {
  void work(order as DeskOrder).then((answer) => process.send?.(answer))
})
process.send?.('ready')
