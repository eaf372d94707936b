/** What a caller can do about ostium's own refusals. */
import type { KernelCode } from '../errors.ts'
import type { OstiumCode } from './errors.ts'

export const help: Readonly<Record<Exclude<OstiumCode, KernelCode>, string>> = {
  trader_missing: 'Name the trader: the header `X-Trader-Address`, or the query parameter `address`.',
  trader_malformed:
    'An address is `0x` and 40 hex digits, in any case, and not the zero address. The header goes first, even where the query parameter would be good.',
  actions_several: 'With an API key a request holds one action. Send the others as requests of their own.',
  order_not_found: 'The trader has no limit or stop order at this pair and index. Look at what the chain has.',
  action_reverts:
    'The contract would undo the action, or has undone it: `details.revert` names its error. Nothing has changed but where a `txHash` is named, whose gas was paid for you.',
  agent_exists: 'A trader has one agent. Cancel a pending one, or revoke a verified one, before you make another.',
  agent_not_found: 'The trader has no agent. Make one with `POST /v1/auth/create`.',
  agent_not_pending: 'An agent that was verified is revoked: `POST /v1/auth/revoke`.',
  agent_not_verified: 'An agent that was never verified is cancelled: `POST /v1/auth/cancel`.',
  agents_exhausted: 'Wait: the hour of the first of them has to pass.',
  message_unknown:
    'Sign the message exactly as it was answered, byte for byte, and send it for the trader that it names.',
  message_used: 'Each message is good once. Ask for another one, if there is still something to do.',
  message_expired: 'Ask for another message, and sign it within the time that it names.',
  message_not_signed: 'The trader’s own wallet has to sign the message’s text (personal_sign, EIP-191).',
  delegation_stands:
    'Sign and send `removeDelegateTx`, and `usdcRevokeTx` where there is one. When both are in a block, send the same signed message again.',
  socket_action_unknown: 'The actions are open, close, cancel, modify, margin and health.',
  chain_unavailable: 'What needs the chain waits for it: send the request again. Transactions are built all the same.',
  contract_differs:
    'The contracts at these addresses are of another version than the calldata is built for. The operator of the service has to act.',
  delegation_unavailable:
    'This instance has no sponsor or no factory of accounts. Send the transactions yourself, without a key.',
  agent_key_unavailable:
    'The vault does not answer. Send the same request again, or the transaction yourself, without a key.',
  action_unknown:
    'The action is recorded and will be sent, or will lapse. Send the same request under the same `Idempotency-Key` to hear of it; never under another one.',
  sockets_full: 'Close sockets that you do not need, or come back later.',
  nonce_taken: 'Send the same request again.',
}
