/** Words that several noctant events share, as schemas. Storage format: superseded, never edited. */
import { z } from 'zod'

export { type BacktestStrategy, backtestStrategy, type ScriptedOrder } from '../../gateway/contract.ts'

export const uuid = z.uuid()
export const time = z.iso.datetime()
/** A decimal without exponent: `-12.50`. */
export const decimal = z.string().regex(/^-?\d{1,30}(\.\d{1,18})?$/)

export const environment = z.enum(['production', 'staging', 'development', 'sandbox'])
export const rateLimitTier = z.enum(['standard', 'pro', 'enterprise', 'unlimited'])
export const apiAccess = z.enum(['disabled', 'allowlisted_beta'])
export const accountStatus = z.enum(['active', 'disabled', 'closed'])
export const providerType = z.enum(['prop_firm', 'journal', 'prop_simulator', 'education_partner', 'broker_partner'])
export const rulesOwner = z.enum(['noctant', 'partner', 'none'])
export const feedSource = z.enum(['noctant', 'partner'])
export const brandingPolicy = z.enum(['noctant', 'co_brand', 'partner_managed', 'white_label'])
export const visibilityPolicy = z.enum(['all_connected', 'same_sponsor_only', 'same_sponsor_plus_noctant'])
export const executionMode = z.enum(['simulated', 'broker'])
export const marketMode = z.enum(['live_market', 'replay_backtest'])
export const programType = z.enum(['standard', 'challenge', 'funded'])
export const programOrigin = z.enum(['practice', 'preset', 'firm'])
export const provisioningSource = z.enum([
  'user_request',
  'operator_api',
  'challenge_start',
  'challenge_advance',
  'challenge_pass',
  'admin_action',
  'seed',
])

export const launchProductMode = z.enum(['terminal', 'challenge', 'simulator', 'replay', 'backtest'])
export const launchSessionKind = z.enum(['account', 'historical'])
export const historicalSessionMode = z.enum(['replay', 'backtest'])
export const feedKind = z.enum(['candles', 'ticks'])
/** SHA-256, hex. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** What an API key may be allowed to do. */
export const apiScope = z.enum([
  'users:create',
  'users:read',
  'accounts:create',
  'accounts:read',
  'accounts:status_write',
  'accounts:close_all',
  'account_summary:read',
  'orders:read',
  'positions:read',
  'trades:read',
  'historical_sessions:read',
  'challenges:create',
  'challenges:read',
  'challenges:reset',
  'launch_sessions:create',
  'launch_sessions:read',
  'products:create',
  'products:read',
  'kyc_status:write',
  'payouts:read',
  'payout_requests:create',
  'payout_requests:approve',
  'payout_requests:reject',
  'payout_settlements:write',
  'account_corrections:read',
  'account_corrections:create',
  'api_keys:rotate',
  'webhook_deliveries:read',
  'webhooks:replay',
  'webhooks:receive',
])
export type ApiScope = z.infer<typeof apiScope>
