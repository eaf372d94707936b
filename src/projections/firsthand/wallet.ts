/** Wallets, their lots and their transactions: balance, list of transactions, and what comes to its end when. */
import type { Environment, LotKind, TransactionType } from '../../events/firsthand/vocabulary.ts'
import type { LotPart, WalletEvent } from '../../events/firsthand/wallet.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, byBeginning, text, time } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { type Change, defineProjection, defineTable, type RowOf, upsert, type WrittenOf } from '../projection.ts'
import { firsthandTables, preparedOne } from './tables.ts'

const ofWallet = { organization_id: text, environment: text.of<Environment>() }

export const wallets = defineTable({
  name: 'firsthand_wallets',
  key: ['organization_id', 'environment'],
  columns: { ...ofWallet, balance_cents: bigint, updated_at: time },
})

export const lots = defineTable({
  name: 'firsthand_lots',
  key: ['organization_id', 'environment', 'lot_id', 'ends_at'],
  columns: { ...ofWallet, lot_id: text, ends_at: time, kind: text.of<LotKind>(), remaining_cents: bigint },
  indexes: ['(ends_at) WHERE remaining_cents > 0'],
})

export const transactions = defineTable({
  name: 'firsthand_transactions',
  key: ['transaction_id'],
  columns: {
    transaction_id: text,
    ...ofWallet,
    type: text.of<TransactionType>(),
    description: text.orNull,
    /** Negative where the balance becomes smaller. */
    amount_cents: bigint,
    running_balance_cents: bigint,
    job_id: text.orNull,
    expires_at: time.orNull,
    created_at: time,
  },
  indexes: [
    byBeginning('transaction_id'),
    '(organization_id, environment, created_at DESC, transaction_id DESC)',
    '(organization_id, environment, type, created_at DESC, transaction_id DESC)',
  ],
})
export type TransactionRow = RowOf<typeof transactions>

type Of = Pick<WalletEvent['data'], 'organizationId' | 'environment' | 'balanceCents' | 'occurredAt'>
type Told = Pick<WrittenOf<typeof transactions>, 'type' | 'amount_cents'> & Partial<WrittenOf<typeof transactions>>

/** The wallet as it is now, with the lots that changed and the transaction, where it is one. */
function moved(data: Of & { transactionId: string | null }, parts: readonly LotPart[], told: Told): Change[] {
  const of = snake(data, 'organizationId', 'environment')
  const { balanceCents, occurredAt, transactionId } = data
  return [
    upsert(wallets, { ...of, balance_cents: balanceCents, updated_at: occurredAt }),
    ...parts.map((part) => upsert(lots, { ...of, ...snake(part, 'lotId', 'endsAt', 'kind', 'remainingCents') })),
    ...(transactionId === null
      ? []
      : [
          upsert(transactions, {
            ...{ ...of, transaction_id: transactionId, running_balance_cents: balanceCents, created_at: occurredAt },
            ...{ description: null, job_id: null, expires_at: null },
            ...told,
          }),
        ]),
  ]
}

export const walletProjection = defineProjection<WalletEvent>({
  name: 'firsthand.wallet',
  version: 3,
  onPoison: 'halt',
  tables: [wallets, lots, transactions],
  handlers: {
    'firsthand.CreditsGranted.v1': ({ data }) => {
      const { transactionId: lotId, kind, endsAt, amountCents, reason: description } = data
      const part = { lotId, kind, endsAt, amountCents, remainingCents: amountCents }
      return moved(data, [part], { type: kind, amount_cents: amountCents, description, expires_at: endsAt })
    },
    'firsthand.CreditsPurchased.v1': ({ data }) => {
      const { transactionId: lotId, kind, endsAt, amountCents, source } = data
      const part = { lotId, kind, endsAt, amountCents, remainingCents: amountCents }
      const bought = source.kind === 'checkout' ? 'Credits bought' : 'Automatic top-up'
      const description = kind === 'bonus' ? 'Bonus of a purchase' : bought
      return moved(data, [part], { type: kind, amount_cents: amountCents, description, expires_at: endsAt })
    },
    'firsthand.CreditsClawedBack.v1': ({ data }) => {
      const { source, amountCents, parts } = data
      const description = source === null ? 'Pays what was owed' : 'A payment went back'
      return moved(data, parts, { type: 'deduction', amount_cents: `-${amountCents}`, description })
    },
    'firsthand.EscrowHeld.v1': ({ data }) => {
      const { job, amountCents, parts } = data
      const description = `${job.filesNeeded} files at ${job.pricePerFileCents} cents`
      const amount_cents = `-${amountCents}`
      return moved(data, parts, { type: 'deduction', amount_cents, job_id: job.jobId, description })
    },
    'firsthand.EscrowRefunded.v1': ({ data }) => {
      const { jobId: job_id, amountCents: amount_cents, parts } = data
      const [expires_at = null] = parts.map(({ endsAt }) => endsAt).sort()
      return moved(data, parts, { type: 'refund', amount_cents, job_id, expires_at, description: 'What the job left' })
    },
    'firsthand.EscrowSettled.v1': ({ data }) => moved(data, [], { type: 'deduction', amount_cents: '0' }),
    'firsthand.CreditsExpired.v1': ({ data }) => {
      const { lotId, kind, endsAt, amountCents } = data
      const part = { lotId, kind, endsAt, amountCents, remainingCents: '0' }
      return moved(data, [part], { type: 'expiration', amount_cents: `-${amountCents}`, description: null })
    },
  },
})

export const findWallet = preparedOne((db, organizationId: string, environment: string) =>
  db
    .selectFrom('firsthand_wallets')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('environment', '=', environment as Environment),
)

/** Newest first. */
export function listTransactions(
  db: ReadModels,
  { organizationId, environment }: { organizationId: string; environment: Environment },
  type: TransactionType | undefined,
  page: Page<'created_at' | 'transaction_id'>,
): Promise<TransactionRow[]> {
  let query = firsthandTables(db)
    .selectFrom('firsthand_transactions')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('environment', '=', environment)
  if (type) query = query.where('type', '=', type)
  return newestFirst(query, ['created_at', 'transaction_id'], page).execute()
}

export interface DueWallet {
  organizationId: string
  environment: Environment
}

/** Wallets with lots that have come to their end, those that have waited longest first, at most `limit`. */
export async function findEndedLots(db: ReadModels, at: string, limit: number): Promise<DueWallet[]> {
  const rows = await firsthandTables(db)
    .selectFrom('firsthand_lots')
    .select(['organization_id', 'environment'])
    .where('remaining_cents', '>', '0')
    .where('ends_at', '<=', at)
    .groupBy(['organization_id', 'environment'])
    .orderBy((each) => each.fn.min('ends_at'))
    .limit(limit)
    .execute()
  return rows.map(({ organization_id: organizationId, environment }) => ({ organizationId, environment }))
}
