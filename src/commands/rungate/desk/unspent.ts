/** The settlement of a call for which no provider was asked, so that it cost nothing. */
import type { SettlementFacts } from './interface.ts'

export const unspent = (callId: string, errorMessage: string | null, provider = ''): SettlementFacts => ({
  ...{ callId, status: 'error', provider, servedModel: null, providerKeyId: null },
  usage: { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, webSearches: 0 },
  ...{ isEstimated: false, costUsd: '0', prices: null, latencyMs: 0, timeToFirstByteMs: null },
  ...{ attempts: [], skipped: [], errorKind: null, errorStatus: null, errorMessage, finishReason: null },
  hasContent: false,
})
