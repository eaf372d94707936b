/** An agent's desk in tests: what is asked of it, and what follows, on a state that its events are taken into. */
import { expect } from 'vitest'
import type { PricedModel } from '../../src/adapters/llm/price-table.ts'
import type { DeskCommand } from '../../src/commands/rungate/desk/commands.ts'
import { type DeskRules, deskDecider } from '../../src/commands/rungate/desk/desk.ts'
import type {
  AdmitOutcome,
  CallFacts,
  Candidates,
  PolicyAtHand,
  SettlementFacts,
} from '../../src/commands/rungate/desk/interface.ts'
import { cloneDesk, type DeskState, newDesk } from '../../src/commands/rungate/desk/state.ts'
import type { DeskEvent } from '../../src/events/rungate/desk.ts'
import { defaultSettings, type PolicySettings } from '../../src/events/rungate/policy-settings.ts'
import { registry } from './contexts.ts'
import { timeAt, uuidOf } from './examples.ts'

export const rules: DeskRules = {
  ...{ outputFloorTokens: 256, outputUnaskedTokens: 4_096, modelOutputMaxTokens: 128_000 },
  ...{ blockedStepsMax: 60, metadataMaxBytes: 16_384, expiryMarginMs: 30_000, bookEventsMax: 20_000 },
  bookOpenedMaxBytes: 524_288,
}
export const owner = { accountId: uuidOf('desk account'), agentId: uuidOf('desk agent') }
export const processId = uuidOf('desk process')
export const author = { id: owner.agentId, tokenId: null }

/** $1 for a million input tokens, $10 for a million output tokens. */
export const priced: PricedModel = {
  prices: {
    source: 'own',
    tiers: [{ above: 0, input: '1', output: '10', cacheRead: '0.1', cacheWrite5m: '1.25', cacheWrite1h: '2' }],
    ...{ webSearch: '0', perCall: '0' },
  },
  ...{ contextTokens: undefined, maxOutputTokens: 16_000, cachesUnasked: false },
}
export const candidates: Candidates = {
  reachable: [{ provider: 'openai', format: 'openai', model: 'gpt-own', keys: [], priced }],
  ...{ skipped: [], owner: 'openai', timeoutMs: 120_000, longestMs: 130_000 },
}

export interface Changes {
  budget?: Partial<PolicySettings['budget']>
  settings?: Partial<PolicySettings>
}
export const policyOf = ({ budget = {}, settings = {} }: Changes = {}): PolicyAtHand => ({
  ...{ policyId: uuidOf('desk policy'), name: 'careful', version: 1 },
  settings: { ...defaultSettings, ...settings, budget: { ...defaultSettings.budget, ...budget } },
})

/** A prompt of 100 tokens at most, and 1,000 tokens of answer: $0.0101 at most. */
export const callFacts = (name: string, changes: Partial<CallFacts> = {}): CallFacts => ({
  ...{ callId: uuidOf(`call ${name}`), newRunId: uuidOf(`run of ${name}`), policy: policyOf() },
  agent: { ...owner, name: 'writer', memberId: null },
  run: { runId: null, isNew: false, name: null, metadata: null, known: null },
  ...{ format: 'openai', model: 'gpt-own', tools: [], fingerprint: null, approvals: [], isStreaming: false },
  size: {
    prompt: {
      ...{ textBytes: 84, messages: 1, hasTools: false, mediaTokens: 0, isOpen: false, predictionTokens: 0 },
    },
    ...{ cacheControl: 'none', choices: 1 },
  },
  ...{
    estimatedInputTokens: 21,
    maxOutputTokens: 1_000,
    thinkingTokens: null,
    mayCount: false,
    monthlyStepsLeft: null,
  },
  ...changes,
})

export const settlement = (name: string, changes: Partial<SettlementFacts> = {}): SettlementFacts => ({
  ...{ callId: uuidOf(`call ${name}`), status: 'success', provider: 'openai', servedModel: 'gpt-own' },
  providerKeyId: uuidOf('desk key'),
  usage: { input: 50, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 100, webSearches: 0 },
  ...{ isEstimated: false, costUsd: '0.00105', prices: priced.prices, latencyMs: 20, timeToFirstByteMs: 10 },
  ...{ attempts: [], skipped: [], errorKind: null, errorStatus: null, errorMessage: null, finishReason: 'stop' },
  hasContent: false,
  ...changes,
})

type Shortened = DeskCommand extends infer C ? (C extends DeskCommand ? Omit<C, 'desk' | 'at'> : never) : never

/** A desk that is asked one thing after the other, at seconds of the examples' day. */
export function deskOf(own: Partial<DeskRules> = {}) {
  const decider = deskDecider({ ...rules, ...own })
  let state: DeskState = newDesk()
  const log: DeskEvent[] = []

  return {
    log,
    state: () => state,
    ask(command: Shortened, seconds = 0) {
      const ahead = cloneDesk(state)
      const events: DeskEvent[] = []
      const asked = { ...command, desk: owner, at: timeAt(seconds) } as DeskCommand
      const result = decider.decide(asked, ahead, (event) => {
        events.push(event)
        decider.apply(ahead, event)
      })
      for (const { type, data } of events) {
        const stored = JSON.parse(JSON.stringify(data))
        expect(registry.decode(type, stored)).toStrictEqual({ type, data: stored })
        decider.apply(state, { type, data: stored })
      }
      // What was decided on is what the log makes.
      expect(state).toStrictEqual(ahead)
      log.push(...events)
      return { result, events, types: events.map(({ type }) => type.split('.')[1]) }
    },
    admit(facts: CallFacts, seconds = 0, chain = candidates): AdmitOutcome {
      const { result } = this.ask({ kind: 'admit', facts, candidatesOf: () => chain, processId }, seconds)
      if (result.kind !== 'admit') throw new Error('an admission is answered as one')
      return result.outcome
    },
    settle(facts: SettlementFacts, seconds = 0) {
      const { result } = this.ask({ kind: 'settle', facts }, seconds)
      if (result.kind !== 'settle') throw new Error('a settlement is answered as one')
      return result
    },
    /** Goes on in a new book. */
    turn() {
      const opened = decider.books.opened(state, 2)
      const stored = JSON.parse(JSON.stringify(opened.data))
      expect(registry.decode(opened.type, stored)).toStrictEqual({ type: opened.type, data: stored })
      state = newDesk()
      decider.apply(state, { type: opened.type, data: stored })
    },
  }
}
