/** Lists of noctant's things, beside accounts. */

import { listView } from '../../pages/list.ts'
import { shortId } from '../../pages/markup.ts'
import {
  challengeThings,
  correctionThings,
  historicalThings,
  keyThings,
  launchThings,
  operatorThings,
  payoutThings,
  productThings,
  userThings,
} from './things.ts'

const userColumn = <Row extends { global_user_id: string }>(row: Row) =>
  shortId(row.global_user_id, `/console/noctant/users/${row.global_user_id}`)
const operatorFilter = { name: 'operator_id', label: 'Operator id' } as const

export const showUsers = listView({
  ...userThings,
  columns: [
    { name: 'external_id', label: 'External id' },
    { name: 'global_user_id', label: 'User' },
    { name: 'display_name', label: 'Name' },
    { name: 'email', label: 'E-mail' },
    { name: 'operator_id', label: 'Operator' },
    { name: 'created_at', label: 'Provisioned' },
  ],
  filters: [
    { name: 'external_id', label: 'External id', is: 'begins' },
    { name: 'global_user_id', label: 'User id' },
    operatorFilter,
  ],
  sorts: ['external_id', 'updated_at'],
  empty: { says: 'No user has been provisioned.', command: 'npm run demo' },
})

export const showProducts = listView({
  ...productThings,
  columns: [
    { name: 'display_name', label: 'Name' },
    { name: 'slug', label: 'Slug' },
    { name: 'product_id', label: 'Product' },
    { name: 'status', label: 'Status' },
    { name: 'price', label: 'Price' },
    { name: 'currency', label: 'Currency' },
    { name: 'operator_id', label: 'Operator' },
    { name: 'created_at', label: 'Created' },
  ],
  filters: [
    { name: 'status', label: 'Status', choices: ['draft', 'active', 'archived'] },
    { name: 'slug', label: 'Slug', is: 'begins' },
    operatorFilter,
  ],
  sorts: ['display_order', 'price'],
  empty: { says: 'Nothing is on sale.', command: 'opslog admin noctant product create --help' },
  asRequest: { path: '/noctant/v1/products' },
})

export const showChallenges = listView({
  ...challengeThings,
  columns: [
    { name: 'instance_id', label: 'Challenge' },
    { name: 'status', label: 'Status' },
    { name: 'activation_status', label: 'Activation' },
    {
      name: 'account_id',
      label: 'Account',
      show: ({ account_id }) => shortId(account_id, `/console/noctant/accounts/${account_id}`),
    },
    { name: 'global_user_id', label: 'User', show: userColumn },
    { name: 'operator_id', label: 'Operator' },
    { name: 'started_at', label: 'Started' },
    { name: 'ended_at', label: 'Ended' },
  ],
  filters: [
    {
      name: 'status',
      label: 'Status',
      choices: ['active', 'pending_activation', 'pending_review', 'passed', 'failed', 'expired', 'completed', 'reset'],
    },
    { name: 'account_id', label: 'Account id' },
    { name: 'global_user_id', label: 'User id' },
    operatorFilter,
  ],
  empty: { says: 'No challenge was started.', command: 'npm run demo' },
})

export const showPayouts = listView({
  ...payoutThings,
  columns: [
    { name: 'payout_request_id', label: 'Request' },
    { name: 'requested_amount', label: 'Requested' },
    { name: 'trader_amount', label: 'To the trader' },
    { name: 'policy_status', label: 'Policy' },
    { name: 'account_effect_status', label: 'Account' },
    { name: 'external_settlement_status', label: 'Settlement' },
    { name: 'user_id', label: 'User', show: ({ user_id }) => shortId(user_id, `/console/noctant/users/${user_id}`) },
    { name: 'operator_id', label: 'Operator' },
    { name: 'requested_at', label: 'Requested at' },
  ],
  filters: [
    { name: 'policy_status', label: 'Policy', choices: ['pending_review', 'approved', 'rejected'] },
    {
      name: 'account_effect_status',
      label: 'Account',
      choices: ['not_applicable', 'reserved', 'executing', 'executed', 'failed', 'invalid_execution'],
    },
    { name: 'user_id', label: 'User id' },
    operatorFilter,
  ],
  sorts: ['requested_amount'],
  empty: { says: 'No payout was asked for.', command: 'npm run demo -- payout' },
})

export const showCorrections = listView({
  ...correctionThings,
  columns: [
    { name: 'correction_id', label: 'Correction' },
    { name: 'amount', label: 'Amount' },
    { name: 'status', label: 'Status' },
    { name: 'reason', label: 'Reason' },
    {
      name: 'account_id',
      label: 'Account',
      show: ({ account_id }) => shortId(account_id, `/console/noctant/accounts/${account_id}`),
    },
    { name: 'operator_id', label: 'Operator' },
    { name: 'requested_at', label: 'Requested' },
  ],
  filters: [
    { name: 'account_id', label: 'Account id' },
    { name: 'user_id', label: 'User id' },
    { name: 'operator_reference', label: 'Reference' },
    operatorFilter,
  ],
  sorts: ['amount'],
  empty: { says: 'No balance was corrected.', command: 'npm run demo' },
})

export const showLaunches = listView({
  ...launchThings,
  columns: [
    { name: 'launch_session_id', label: 'Launch' },
    { name: 'launch_session_kind', label: 'Kind' },
    { name: 'requested_product_mode', label: 'Mode' },
    { name: 'global_user_id', label: 'User', show: userColumn },
    { name: 'redeemed_at', label: 'Used' },
    { name: 'expires_at', label: 'Until' },
    { name: 'operator_id', label: 'Operator' },
    { name: 'created_at', label: 'Made' },
  ],
  filters: [
    { name: 'launch_session_kind', label: 'Kind', choices: ['account', 'historical'] },
    { name: 'global_user_id', label: 'User id' },
    operatorFilter,
  ],
  sorts: ['expires_at'],
  empty: { says: 'No launch was made.', command: 'npm run demo' },
})

export const showHistoricalSessions = listView({
  ...historicalThings,
  columns: [
    { name: 'backtest_run_id', label: 'Run' },
    { name: 'session_mode', label: 'Mode' },
    { name: 'state', label: 'State' },
    { name: 'realized_pnl', label: 'Profit' },
    { name: 'trade_count', label: 'Trades', isFigure: true },
    { name: 'global_user_id', label: 'User', show: userColumn },
    { name: 'market_time_start', label: 'Market from' },
    { name: 'market_time_end', label: 'Market to' },
    { name: 'created_at', label: 'Made' },
  ],
  filters: [
    { name: 'session_mode', label: 'Mode', choices: ['replay', 'backtest'] },
    { name: 'state', label: 'State', choices: ['created', 'completed'] },
    { name: 'global_user_id', label: 'User id' },
    operatorFilter,
  ],
  empty: { says: 'No replay or backtest was made.', command: 'npm run demo' },
  asRequest: { path: '/noctant/v1/historical-sessions' },
})

export const showOperators = listView({
  ...operatorThings,
  columns: [
    { name: 'name', label: 'Name' },
    { name: 'slug', label: 'Slug' },
    { name: 'operator_id', label: 'Operator' },
    { name: 'status', label: 'Status' },
    { name: 'environment', label: 'Environment' },
    { name: 'rate_limit_tier', label: 'Tier' },
    { name: 'created_at', label: 'Created' },
  ],
  filters: [
    { name: 'status', label: 'Status', choices: ['active', 'suspended'] },
    { name: 'slug', label: 'Slug', is: 'begins' },
    { name: 'environment', label: 'Environment', choices: ['production', 'staging', 'development', 'sandbox'] },
  ],
  sorts: ['name', 'slug'],
  empty: { says: 'There is no operator.', command: 'opslog admin operator create --name Acme --slug acme' },
  asRequest: { command: 'opslog admin operator list' },
})

export const showKeys = listView({
  ...keyThings,
  columns: [
    { name: 'key_id', label: 'Key' },
    { name: 'label', label: 'Label' },
    {
      name: 'operator_id',
      label: 'Operator',
      show: ({ operator_id }) => shortId(operator_id, `/console/operators/${operator_id}`),
    },
    { name: 'environment', label: 'Environment' },
    { name: 'scopes', label: 'Scopes', show: ({ scopes }) => `${scopes.length}` },
    { name: 'revoked_at', label: 'Revoked' },
    { name: 'valid_until', label: 'Replaced, until' },
    { name: 'created_at', label: 'Issued' },
  ],
  filters: [{ name: 'key_id', label: 'Key id' }, operatorFilter],
  empty: { says: 'No key was issued.', command: 'opslog admin key issue acme --all-scopes' },
  asRequest: { command: 'opslog admin key list acme' },
})
