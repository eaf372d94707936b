/** What ostium's answers hold. */
import { z } from '@hono/zod-openapi'
import type { Address } from '../../adapters/chain/address.ts'
import type { Hex } from '../../commands/ostium/calldata.ts'
import type { Transaction } from '../../events/ostium/vocabulary.ts'
import { timeOut } from '../schemas.ts'
import { addressOut } from './trader.ts'

export const unsigned = z
  .object({ to: z.string(), data: z.string(), value: z.string(), from: z.string().optional() })
  .openapi('UnsignedTransaction')

const unsignedOrNull = z.union([unsigned, z.null()])

/** A call of a contract, for the trader to sign and send. */
export const transactionOf = (from: Address, to: Address, data: Hex): Transaction => ({ to, data, value: '0', from })

const built = z.object({ transactions: z.array(unsigned) }).openapi('TransactionResponse')
const sent = z.object({ txHash: z.string(), smartAccountAddress: addressOut }).openapi('DelegatedTransactionResponse')
/** Without a key, and with one. */
export const exchanged = z.union([built, sent])

const health = { status: z.enum(['healthy']), version: z.string(), timestamp: timeOut }
export const serviceHealth = z.object({ ...health, service: z.string() }).openapi('ServiceHealthResponse')
export const exchangeHealth = z.object({ ...health, endpoint: z.string() }).openapi('ExchangeHealthResponse')

export const agentCreated = z
  .object({
    apiKey: z.string(),
    smartAccountAddress: addressOut,
    delegateApprovalTx: unsigned,
    usdcApprovalRequired: z.boolean(),
    usdcApprovalTx: unsignedOrNull,
    chainId: z.int(),
  })
  .openapi('AgentCreateResponse')

export const agentVerified = z
  .object({ verified: z.boolean(), smartAccountAddress: addressOut, allowance: z.string() })
  .openapi('AgentVerifyResponse')

const signable = { message: z.string(), nonce: z.string(), expiresAt: timeOut, smartAccountAddress: addressOut }
export const actionMessage = z.object(signable).openapi('AgentActionMessageResponse')
export const revokeBundle = z
  .object({ removeDelegateTx: unsigned, usdcRevokeTx: unsignedOrNull, ...signable })
  .openapi('AgentRevokeBundleResponse')

export const agentEnded = z
  .object({
    success: z.boolean(),
    mode: z.enum(['cancel', 'reset']),
    ...{ smartAccountAddress: addressOut, delegatedTo: addressOut },
  })
  .openapi('AgentVerifyModeResponse')
export const agentRevoked = z
  .object({ success: z.boolean(), smartAccountAddress: addressOut, delegatedTo: addressOut, allowance: z.string() })
  .openapi('AgentVerifyRevokeResponse')
export const keyRevoked = z.object({ removeDelegateTx: unsigned }).openapi('AgentRevokeResponse')

export const pendingAgent = z
  .object({
    hasPending: z.boolean(),
    ...{ smartAccountAddress: addressOut.optional(), agentWalletAddress: addressOut.optional() },
    ...{ createdAt: timeOut.optional(), isVerified: z.boolean().optional() },
    ...{ nonce: z.string().optional(), expiresAt: timeOut.optional() },
  })
  .openapi('AgentPendingResponse')
export const publicAgent = z
  .object({ agentWalletAddress: addressOut, smartAccountAddress: addressOut })
  .openapi('AgentPublicResponse')
export const delegateRemoval = z
  .object({ removeDelegateTx: unsigned, smartAccountAddress: addressOut })
  .openapi('AgentRemoveResponse')

export const usdcBalance = z
  .object({
    address: addressOut,
    symbol: z.string(),
    decimals: z.int(),
    ...{ balance: z.string(), balanceFormatted: z.string() },
  })
  .openapi('BalanceResponse')
