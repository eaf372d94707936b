/**
 * An account's figures, as the engine last stated them. Until the engine has confirmed the account they are the ones it
 * was opened with, and its trading status is `pending`.
 */
import type { AccountEvent } from '../../events/noctant/account.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, numeric, text, time, uuid } from '../columns.ts'
import { type Change, defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { preparedOne } from './tables.ts'

type Begun = Extract<AccountEvent, { type: 'noctant.AccountOpened.v1' | 'noctant.AccountAttemptStarted.v1' }>['data']

export const summaries = defineTable({
  name: 'noctant_summaries',
  key: ['account_id'],
  columns: {
    account_id: uuid,
    org_id: uuid,
    global_user_id: uuid,
    external_account_id: text,
    currency: text,
    balance: numeric,
    equity: numeric,
    margin_used: numeric,
    free_margin: numeric,
    /** equity / margin used, in percent; null without open positions. */
    margin_level: numeric.orNull,
    /** `rejected`: the engine would not open it; the command's status says why. */
    trading_status: text.of<'pending' | 'active' | 'disabled' | 'rejected'>(),
    updated_at: time,
    /** Sequence of the engine's event that the figures are from; 0 before its first. */
    version: bigint,
  },
})

/** An execution account of which the engine has said nothing yet. */
const unconfirmed = (data: Begun): Change[] => [
  upsert(summaries, {
    ...snake(data, 'accountId', 'orgId', 'globalUserId', 'externalAccountId', 'currency'),
    ...unused(data.initialBalance),
    trading_status: 'pending',
    updated_at: data.occurredAt,
    version: '0',
  }),
]

export const summaryProjection = defineProjection<AccountEvent | EngineEvent>({
  name: 'noctant.summary',
  version: 1,
  onPoison: 'halt',
  tables: [summaries],
  handlers: {
    'noctant.AccountOpened.v1': ({ data }) => unconfirmed(data),
    'noctant.AccountAttemptStarted.v1': ({ data }) => unconfirmed(data),
    'noctant.EngineAccountOpened.v1': ({ data }) => [
      patch(summaries, snake(data, 'accountId'), {
        ...unused(data.balance),
        trading_status: 'active',
        ...at(data),
      }),
    ],
    'noctant.EngineTradingStatusChanged.v1': ({ data }) => [
      patch(summaries, snake(data, 'accountId'), { trading_status: data.tradingStatus, ...at(data) }),
    ],
    'noctant.EngineCommandDecided.v1': ({ data }) =>
      data.kind === 'open_account' && data.outcome === 'rejected'
        ? [patch(summaries, snake(data, 'accountId'), { trading_status: 'rejected', ...at(data) })]
        : [],
    'noctant.EngineAccountMarked.v1': ({ data }) => [
      patch(summaries, snake(data, 'accountId'), {
        ...snake(data, 'balance', 'equity', 'marginUsed', 'freeMargin', 'marginLevel'),
        ...at(data),
      }),
    ],
  },
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
