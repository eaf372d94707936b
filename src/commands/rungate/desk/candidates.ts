/** What a call may reach, as the desk bounds it and the proxy tries it. */
import type { PricedModel } from '../../../adapters/llm/price-table.ts'

export interface CandidateKey {
  keyId: string
  baseUrl: string
  /** Of 100, where keys are taken in turn by weight. */
  weight: number
}

/** A provider that a call may reach, with its keys in the order that the agent names them. */
export interface Candidate {
  provider: string
  format: 'openai' | 'anthropic'
  /** What this provider is asked for. */
  model: string
  keys: readonly CandidateKey[]
  /** The price that holds now; null: unknown. */
  priced: PricedModel | null
}

export interface Candidates {
  /** In the order of the chain; the desk takes the dearest one for the bound. Empty: nothing can be reached. */
  reachable: readonly Candidate[]
  skipped: readonly { provider: string; reason: string }[]
  /** The provider that the model's name belongs to, or the endpoint's. */
  owner: string
  /** From connecting on, for one attempt. */
  timeoutMs: number
  /** Milliseconds that the call may take at most until its last attempt has ended: connect + timeout × attempts. */
  longestMs: number
}
