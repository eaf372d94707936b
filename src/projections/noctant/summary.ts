/**
 * An account's figures, as the engine last stated them. Until the engine has confirmed the account they are the ones it
 * was opened with, and its trading status is `pending`.
 */
import type { AccountEvent } from '../../events/noctant/account.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { preparedOne } from './tables.ts'

type Begun = Extract<AccountEvent, { type: 'noctant.AccountOpened.v1' | 'noctant.AccountAttemptStarted.v1' }>['data']

export type SummaryRow = {
  account_id: string
  org_id: string
  global_user_id: string
  external_account_id: string
  currency: string
  /** Decimals as text. */
  balance: string
  equity: string
  margin_used: string
  free_margin: string
  /** equity / margin used, in percent; null without open positions. */
  margin_level: string | null
  /** `rejected`: the engine would not open it; the command's status says why. */
  trading_status: 'pending' | 'active' | 'disabled' | 'rejected'
  updated_at: string
  /** Sequence of the engine's event that the figures are from; 0 before its first. Text, as every 64-bit integer. */
  version: string
}

export const summaries = defineTable<SummaryRow, 'account_id'>({
  name: 'noctant_summaries',
  key: ['account_id'],
  columns: {
    account_id: 'uuid NOT NULL',
    org_id: 'uuid NOT NULL',
    global_user_id: 'uuid NOT NULL',
    external_account_id: 'text NOT NULL',
    currency: 'text NOT NULL',
    balance: 'numeric NOT NULL',
    equity: 'numeric NOT NULL',
    margin_used: 'numeric NOT NULL',
    free_margin: 'numeric NOT NULL',
    margin_level: 'numeric',
    trading_status: 'text NOT NULL',
    updated_at: 'timestamptz(3) NOT NULL',
    version: 'bigint NOT NULL',
  },
})

export const summaryProjection = defineProjection<AccountEvent | EngineEvent>({
  name: 'noctant.summary',
  version: 1,
  onPoison: 'halt',
  tables: [summaries],
  handlers: {
    'noctant.AccountOpened.v1': ({ data }) => [upsert(summaries, untold(data))],
    'noctant.AccountAttemptStarted.v1': ({ data }) => [upsert(summaries, untold(data))],
    'noctant.EngineAccountOpened.v1': ({ data }) => [
      patch(
        summaries,
        { account_id: data.accountId },
        { ...unused(data.balance), trading_status: 'active', ...at(data) },
      ),
    ],
    'noctant.EngineTradingStatusChanged.v1': ({ data }) => [
      patch(summaries, { account_id: data.accountId }, { trading_status: data.tradingStatus, ...at(data) }),
    ],
    'noctant.EngineCommandDecided.v1': ({ data }) =>
      data.kind === 'open_account' && data.outcome === 'rejected'
        ? [patch(summaries, { account_id: data.accountId }, { trading_status: 'rejected', ...at(data) })]
        : [],
    'noctant.EngineAccountMarked.v1': ({ data }) => [
      patch(
        summaries,
        { account_id: data.accountId },
        {
          balance: data.balance,
          equity: data.equity,
          margin_used: data.marginUsed,
          free_margin: data.freeMargin,
          margin_level: data.marginLevel,
          ...at(data),
        },
      ),
    ],
  },
})

/** An execution account of which the engine has said nothing yet. */
const untold = (data: Begun): SummaryRow => ({
  account_id: data.accountId,
  org_id: data.orgId,
  global_user_id: data.globalUserId,
  external_account_id: data.externalAccountId,
  currency: data.currency,
  ...unused(data.initialBalance),
  trading_status: 'pending',
  updated_at: data.occurredAt,
  version: '0',
})

/** The figures of an account without positions, all with the digits of its currency. */
const unused = (balance: string) => ({
  balance,
  equity: balance,
  margin_used: balance.replace(/^-?\d+/, '0').replaceAll(/[1-9]/g, '0'),
  free_margin: balance,
  margin_level: null,
})

const at = (data: { sequence: number; occurredAt: string }) => ({
  version: String(data.sequence),
  updated_at: data.occurredAt,
})

/** `accountId` is the execution account. */
export const findSummary = preparedOne((db, accountId: string) =>
  db.selectFrom('noctant_summaries').selectAll().where('account_id', '=', accountId),
)
