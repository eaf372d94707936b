/**
 * Facts of the agent of a trader on a chain: its keys, whether the trader has made it a delegate, and its end. Stream
 * `ostium.agent-<chainId>.<trader in lower case>`.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { address, digits, ofTrader, time, transaction, uuid } from './vocabulary.ts'

const ofAgent = { ...ofTrader, agentId: uuid }

/** What a revocation goes by: the signed message of that purpose, or the key itself. */
export const revokedBy = z.enum(['message', 'reset', 'key'])

export const agentEvents = {
  'ostium.AgentWalletCreated.v1': z.object({
    ...ofAgent,
    /** The signer's address. */
    agentWallet: address,
    /** Its account, which acts for the trader; on the chain from its first action on. */
    smartAccount: address,
    /** The signer's private key, sealed under the agent's own key in the vault. */
    sealedKey: z.string(),
    apiKeyId: z.string(),
    /** SHA-256 of the whole API key, hex; the key itself is shown once and kept nowhere. */
    apiKeyHash: z.string().regex(/^[0-9a-f]{64}$/),
    delegateApprovalTx: transaction,
    /** Null: the allowance of the time was enough. */
    usdcApprovalTx: transaction.nullable(),
    /** Until then it may be verified; afterwards another one may take its place. */
    pendingUntil: time,
  }),
  'ostium.AgentVerified.v1': z.object({ ...ofAgent, delegatedTo: address, allowance: digits, blockNumber: digits }),
  /** The trader's delegate is another one, or none. */
  'ostium.AgentSuspended.v1': z.object({
    ...ofAgent,
    delegatedTo: address,
    noticedBy: z.enum(['verify', 'preflight', 'watcher']),
  }),
  /** It was never verified and is gone. */
  'ostium.AgentCancelled.v1': z.object({
    ...ofAgent,
    by: z.enum(['message', 'expiry']),
    /** Of the message; null: none was signed. */
    nonce: z.string().nullable(),
  }),
  'ostium.AgentRevoked.v1': z.object({
    ...ofAgent,
    by: revokedBy,
    /** Of the message; null: the key itself has asked for it. */
    nonce: z.string().nullable(),
    /** What the chain said; null: it was not asked. */
    delegatedTo: address.nullable(),
    allowance: digits.nullable(),
  }),
}
export type AgentEvent = EventOf<typeof agentEvents>
export type AgentFacts = Extract<AgentEvent, { type: 'ostium.AgentWalletCreated.v1' }>['data']
