/** Ostium's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'
import { count, flag, orNone } from '../../runtime/setting.ts'

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'is to be an address: 0x and 40 hex digits')
const decimal = z.string().regex(/^(0|[1-9]\d*)(\.\d{1,18})?$/, 'is to be a decimal such as 0.05')

/** More than there is: an approval that never runs out. */
export const UNLIMITED = 2n ** 256n - 1n

export const ostiumSettings = z.object({
  OSTIUM_RPC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('node of the chain; unset: a chain of this instance’s own, for development'),
  OSTIUM_LOCAL_CHAIN: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .describe('without OSTIUM_RPC_URL: whether that chain is started; auto: with the embedded event store only'),
  OSTIUM_NETWORK: z
    .enum(['arbitrum', 'arbitrum-sepolia', 'custom'])
    .default('arbitrum')
    .describe('which addresses the contracts have behind that node; custom: those that are given here'),
  OSTIUM_CHAIN_ID: z.coerce.number().int().positive().optional().describe('of a custom network'),
  OSTIUM_USDC: address.optional().describe('contract in the place of the network’s own'),
  OSTIUM_TRADING: address.optional().describe('the same'),
  OSTIUM_TRADING_STORAGE: address.optional().describe('the same'),
  OSTIUM_AGENT_FACTORY: address.optional().describe('factory of agents’ accounts; unset: no delegated mode'),
  OSTIUM_SPONSOR_KEY: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'is to be a private key: 0x and 64 hex digits')
    .optional()
    .describe('private key of the account that pays for gas; unset: no delegated mode, but with the local chain'),
  OSTIUM_RPC_TIMEOUT_MS: count(5_000).describe('for one question to the node'),
  OSTIUM_RPC_ANSWER_MAX_BYTES: count(4_194_304),
  OSTIUM_CHECK_SELECTORS: flag(true).describe('look for every function in the code of the deployed contracts'),
  OSTIUM_CHECK_INTERVAL_MS: count(30_000).describe('between two looks at the chain, its contracts and the sponsor'),

  OSTIUM_RATE_LIMIT_PER_MINUTE_MAX: orNone(100).describe(
    'requests of one client address, and messages of one socket; 0: not counted',
  ),
  OSTIUM_RATE_LIMIT_EXEMPT: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((each) => each.trim() || []))
    .describe('client addresses that are not counted, with commas between; an IPv6 one as its /64 network'),
  OSTIUM_LEVERAGE_MAX: count(100),
  OSTIUM_ACTIONS_PER_REQUEST_MAX: count(100).describe('closes, or cancels, of one request'),
  OSTIUM_PENDING_ORDER_SLIPPAGE: z
    .enum(['zero', 'request'])
    .default('zero')
    .describe('slippage of limit and stop orders: zero, as the contracts want it, or what older ones were given'),

  OSTIUM_APPROVAL_MIN_USDC: decimal.default('5').describe('a smaller allowance is asked to be raised'),
  OSTIUM_APPROVAL_USDC: decimal.optional().describe('how much is then approved; unset: without a limit'),
  OSTIUM_PENDING_TTL_S: count(86_400).describe('how long an agent waits to be verified'),
  OSTIUM_MESSAGE_TTL_S: count(300).describe('how long a message to sign is good'),
  OSTIUM_AGENTS_PER_TRADER_HOUR_MAX: count(10).describe('agents that are made for one trader in an hour'),
  OSTIUM_MESSAGES_PER_TRADER_HOUR_MAX: count(60).describe('messages to sign that are made for one trader in an hour'),

  OSTIUM_ACTIONS_PER_MINUTE_MAX: count(60).describe('actions of one agent'),
  OSTIUM_ACTION_DEADLINE_S: count(120).describe('after this time the chain takes an action no more'),
  OSTIUM_SUBMIT_CONCURRENCY_MAX: count(16).describe('transactions of the sponsor that are in no block yet'),
  OSTIUM_SUBMIT_WAIT_MS: count(10_000).describe('how long a request waits until its action is sent'),
  OSTIUM_RECEIPT_WAIT_MS: count(3_000).describe('how long it then waits for the block'),
  OSTIUM_RECEIPT_POLL_MS: count(200).describe('between two looks for receipts'),
  OSTIUM_CONFIRMATIONS: count(1).describe('blocks from which on an action has happened, its own included'),
  OSTIUM_REPRICE_AFTER_MS: count(15_000).describe(
    'a transaction in no block after this time is sent with a higher fee',
  ),
  OSTIUM_FEE_MAX_GWEI: decimal.default('50').describe('no transaction of the sponsor offers more for its gas'),
  OSTIUM_SPONSOR_BALANCE_MIN_ETH: decimal.default('0.01').describe('a sponsor that has less is an alarm'),
  OSTIUM_SWEEP_INTERVAL_MS: count(5_000).describe('between two looks at what time has ended'),
  OSTIUM_SWEEP_BATCH_MAX: count(200).describe('agents, and actions, that one such look finds'),

  OSTIUM_PRICE_URL: z
    .url({ protocol: /^(https?|wss?)$/ })
    .optional()
    .describe('where prices come from; ws: as a stream, http: asked for; unset: the local chain’s own'),
  OSTIUM_PRICE_POLL_MS: count(1_000).describe('between two questions for prices over http'),
  OSTIUM_PRICE_SILENCE_MAX_MS: count(10_000).describe('prices that do not come for this long are a broken connection'),
  OSTIUM_CLIENT_BUFFER_MAX_BYTES: count(262_144).describe(
    'bytes that wait for a client of the market stream; beyond, only its latest ticks are kept',
  ),
  OSTIUM_CLIENT_STALL_MAX_MS: count(30_000).describe('a client that stays so for this long is closed'),
  OSTIUM_SOCKET_BUILDS_AT_ONCE_MAX: count(16).describe('builds of one trade socket that are under way at once'),
  OSTIUM_SOCKETS_PER_ADDRESS_MAX: count(100).describe('open sockets of one client address'),
  OSTIUM_SOCKETS_MAX: count(10_000).describe('open sockets'),
})
export type OstiumSettings = z.output<typeof ostiumSettings>
