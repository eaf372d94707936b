/** Examples of ostium's events: a trader's agent, one action of it, and how such agents end. */
import type { ActionEvent } from '../../../src/events/ostium/action.ts'
import type { AgentEvent } from '../../../src/events/ostium/agent.ts'
import type { BuildEvent } from '../../../src/events/ostium/build.ts'
import type { ChallengeEvent } from '../../../src/events/ostium/challenge.ts'
import type { SponsorEvent } from '../../../src/events/ostium/sponsor.ts'

export type OstiumStoryEvent = ActionEvent | AgentEvent | BuildEvent | ChallengeEvent | SponsorEvent

type Examples = {
  readonly [T in OstiumStoryEvent['type']]: Extract<OstiumStoryEvent, { type: T }>['data']
}

const id = (n: number) => `0b4ee4a5-7b02-5c0f-8b5b-${String(n).padStart(12, '0')}`
const hash = (digit: string) => `0x${digit.repeat(64)}`
const TRADER = '0x742D35Cc6634C0532925a3b844Bc9e7595f5bE21'
const ACCOUNT = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
const TRADING = '0x6D0bA1f9996DBD8885827e1b2e8f6593e7702411'
const USDC = '0xaf88d065e77c8cC2239327C5EDb3A432268e5831'

/** `timeAt` is that of examples.ts, which imports this file. */
export function ostiumExamples(timeAt: (seconds: number) => string): Examples {
  const ofTrader = (seconds: number) => ({ chainId: 42_161, trader: TRADER, occurredAt: timeAt(seconds) })
  const call = (to: string, data: string) => ({ to, data, value: '0', from: TRADER })
  const ofAgent = (seconds: number) => ({ ...ofTrader(seconds), agentId: id(1) })
  const ofAction = (seconds: number) => ({ ...ofTrader(seconds), actionId: id(7) })
  const message = { nonce: hash('b'), ...ofAgent(30) }
  const revert = { name: 'WrongTP', args: [], text: 'refused with WrongTP()' }
  const block = {
    ...{ txHash: hash('5'), blockNumber: '312', blockHash: hash('6') },
    ...{ gasUsed: '310000', gasPrice: '20000000' },
  }
  const nonce = (seconds: number) => ({
    ...ofTrader(seconds),
    ...{ sponsor: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', nonce: 12, actionId: id(7) },
  })
  return {
    'ostium.TransactionsBuilt.v1': {
      ...ofTrader(5),
      ...{ operation: 'modify', channel: 'http', transactions: [call(TRADING, '0x36fb8b15')] },
    },
    'ostium.AgentWalletCreated.v1': {
      ...ofAgent(10),
      ...{ agentWallet: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', smartAccount: ACCOUNT, sealedKey: 'k1.c2VhbGVk' },
      ...{ apiKeyId: '0000OstiumExample', apiKeyHash: 'ab'.repeat(32) },
      delegateApprovalTx: call(TRADING, '0xca5eb5e1'),
      usdcApprovalTx: call(USDC, '0x095ea7b3'),
      pendingUntil: timeAt(86_410),
    },
    'ostium.AgentVerified.v1': { ...ofAgent(20), delegatedTo: ACCOUNT, allowance: '1000000000', blockNumber: '300' },
    'ostium.DelegatedActionRequested.v1': {
      ...ofAction(22),
      ...{ agentId: id(1), smartAccount: ACCOUNT, operation: 'modify', inner: '0xbe9267be' },
      ...{ accountNonce: '340282366920938463463374607431768211455', deadline: timeAt(142) },
    },
    'ostium.SponsorNonceTaken.v1': nonce(22),
    'ostium.DelegatedActionSigned.v1': {
      ...ofAction(22),
      ...{ sponsor: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', sponsorNonce: 12, txHash: hash('5') },
      ...{ rawTransaction: '0x02f8', maxFeePerGas: '20000000', maxPriorityFeePerGas: '0', attempt: 1 },
    },
    'ostium.DelegatedActionBroadcast.v1': { ...ofAction(22), txHash: hash('5'), attempt: 1 },
    'ostium.DelegatedActionIncluded.v1': { ...ofAction(23), ...block, orderId: '4096' },
    'ostium.DelegatedActionReverted.v1': { ...ofAction(24), ...block, revert },
    'ostium.DelegatedActionAbandoned.v1': { ...ofAction(25), reason: 'its deadline has passed', revert: null },
    'ostium.SponsorNonceFilled.v1': { ...nonce(25), txHash: hash('7') },
    'ostium.DelegatedActionRefused.v1': {
      ...{ ...ofTrader(26), actionId: id(8) },
      ...{ agentId: id(1), operation: 'modify', inner: '0xbe9267be', revert },
    },
    'ostium.AgentSuspended.v1': {
      ...ofAgent(28),
      ...{ delegatedTo: '0x0000000000000000000000000000000000000000', noticedBy: 'watcher' },
    },
    'ostium.ChallengeIssued.v1': {
      ...message,
      ...{ purpose: 'revoke', message: 'Revoke the agent wallet', expiresAt: timeAt(330) },
      removeDelegateTx: call(TRADING, '0x36fb8b15'),
      usdcRevokeTx: null,
    },
    'ostium.ChallengeConsumed.v1': { ...message, signatureHash: 'cd'.repeat(32), occurredAt: timeAt(40) },
    'ostium.AgentRevoked.v1': {
      ...ofAgent(40),
      ...{ by: 'message', nonce: hash('b'), delegatedTo: '0x0000000000000000000000000000000000000000', allowance: '0' },
    },
    'ostium.AgentCancelled.v1': { ...ofAgent(41), by: 'message', nonce: hash('c') },
  }
}

/** The stream that one of these events belongs in. */
export function ostiumStreamOf({ type, data }: { type: string; data: Record<string, unknown> }): string {
  const name = type.split('.')[1] ?? ''
  const { chainId, nonce, actionId } = data
  const lower = (address: unknown) => String(address).toLowerCase()
  if (name.startsWith('Agent')) return `ostium.agent-${chainId}.${lower(data.trader)}`
  if (name.startsWith('Challenge')) return `ostium.challenge-${nonce}`
  if (name.startsWith('DelegatedAction')) return `ostium.action-${actionId}`
  if (name.startsWith('Sponsor')) return `ostium.sponsor-${chainId}.${lower(data.sponsor)}`
  return `ostium.build-${id(3)}`
}
