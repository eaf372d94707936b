/** Noctant's things, as the console knows them: their tables, ids and names. */
import { type AccountView, accounts } from '../../../projections/noctant/account.ts'
import { accountCommands } from '../../../projections/noctant/account-command.ts'
import { apiKeys } from '../../../projections/noctant/api-key.ts'
import { challenges } from '../../../projections/noctant/challenge.ts'
import { corrections } from '../../../projections/noctant/correction.ts'
import { historicalSessions } from '../../../projections/noctant/historical-session.ts'
import { launchSessions } from '../../../projections/noctant/launch-session.ts'
import { operators } from '../../../projections/noctant/operator.ts'
import { statements } from '../../../projections/noctant/payout-statement.ts'
import { products } from '../../../projections/noctant/product.ts'
import { users } from '../../../projections/noctant/user.ts'
import { deliveries } from '../../../projections/noctant/webhook.ts'
import type { RowOf, Table } from '../../../projections/projection.ts'
import type { ThingsOf } from '../../pages/things.ts'

const things = <T extends Table>(of: ThingsOf<T>): ThingsOf<T> => of

export type AccountRow = RowOf<typeof accounts>
/** What the API shows of an account: all but the tenant. */
export const accountView = ({ operator_id: _, ...view }: AccountRow): AccountView => view

export const accountThings = things({
  ...{ table: accounts, kind: 'account', kinds: 'accounts', tenant: 'operator_id', at: 'created_at' },
  ...{ id: 'account_id', aliases: ['program_account_id', 'external_account_id', 'account_number'] },
  path: '/noctant/accounts',
  nameOf: ({ external_account_id, account_number }) => `${external_account_id} (${account_number})`,
})

export const userThings = things({
  ...{ table: users, kind: 'user', kinds: 'users', tenant: 'operator_id', at: 'created_at' },
  ...{ id: 'global_user_id', aliases: ['external_id'] },
  path: '/noctant/users',
  nameOf: ({ external_id }) => external_id,
})

export const productThings = things({
  ...{ table: products, kind: 'product', kinds: 'products', tenant: 'operator_id', at: 'created_at' },
  ...{ id: 'product_id', aliases: ['slug'] },
  path: '/noctant/products',
  nameOf: ({ display_name, slug }) => `${display_name} (${slug})`,
})

export const challengeThings = things({
  ...{ table: challenges, kind: 'challenge', kinds: 'challenges', tenant: 'operator_id', at: 'started_at' },
  id: 'instance_id',
  path: '/noctant/challenges',
  nameOf: ({ instance_id, status }) => `${instance_id} (${status})`,
})

export const payoutThings = things({
  ...{ table: statements, kind: 'payout request', kinds: 'payout requests', tenant: 'operator_id', at: 'requested_at' },
  ...{ id: 'payout_request_id', aliases: ['request_command_id'] },
  path: '/noctant/payouts',
  nameOf: ({ payout_request_id, requested_amount }) => `${payout_request_id} (${requested_amount})`,
})

export const correctionThings = things({
  ...{ table: corrections, kind: 'correction', kinds: 'corrections', tenant: 'operator_id', at: 'requested_at' },
  ...{ id: 'correction_id', aliases: ['command_id'] },
  path: '/noctant/corrections',
  nameOf: ({ correction_id, amount }) => `${correction_id} (${amount})`,
})

export const launchThings = things({
  ...{ table: launchSessions, kind: 'launch', kinds: 'launches', tenant: 'operator_id', at: 'created_at' },
  id: 'launch_session_id',
  path: '/noctant/launches',
  nameOf: ({ launch_session_id }) => launch_session_id,
})

export const historicalThings = things({
  ...{ table: historicalSessions, kind: 'historical session', kinds: 'historical sessions', tenant: 'operator_id' },
  ...{ id: 'backtest_run_id', aliases: ['session_id', 'launch_session_id'], at: 'market_time_start' },
  path: '/noctant/historical-sessions',
  nameOf: ({ backtest_run_id }) => backtest_run_id,
})

export const operatorThings = things({
  ...{ table: operators, kind: 'operator', kinds: 'operators', tenant: 'operator_id', at: 'created_at' },
  ...{ id: 'operator_id', aliases: ['slug', 'org_id'] },
  path: '/operators',
  nameOf: ({ name, slug }) => `${name} (${slug})`,
})

export const keyThings = things({
  ...{ table: apiKeys, kind: 'API key', kinds: 'API keys', tenant: 'operator_id', at: 'created_at' },
  id: 'key_id',
  path: '/keys',
  nameOf: ({ key_id, label }) => (label === null ? key_id : `${key_id} (${label})`),
})

export type CommandRow = RowOf<typeof accountCommands>

/** An operator's are those of its accounts. */
export const commandThings = things({
  ...{ table: accountCommands, kind: 'command', kinds: 'commands', tenant: undefined, at: 'accepted_at' },
  id: 'command_id',
  path: '/commands',
  nameOf: ({ command_id, command_type }) => `${command_id} (${command_type ?? 'unknown'})`,
})

/** By the event that was delivered: its attempts stand together. */
export const deliveryThings = things({
  ...{ table: deliveries, kind: 'webhook', kinds: 'webhooks', tenant: 'operator_id', at: 'finished_at' },
  id: 'event_id',
  path: '/webhooks',
  nameOf: ({ event_id, event_type }) => `${event_id} (${event_type})`,
})
