/** Killatamata's lists in the console. What is personal of an account, an affiliate or a request stays out of them. */
import { html } from 'hono/html'
import { usdText } from '../../../commands/killatamata/money.ts'
import { accounts } from '../../../projections/killatamata/account.ts'
import { affiliates, payoutRequests } from '../../../projections/killatamata/affiliate.ts'
import { approvalPlans } from '../../../projections/killatamata/agent.ts'
import { games, releases } from '../../../projections/killatamata/arcade.ts'
import { balances, postings } from '../../../projections/killatamata/ledger.ts'
import { mediaJobs } from '../../../projections/killatamata/media.ts'
import { settlements, x402Payments } from '../../../projections/killatamata/payment.ts'
import type { Table } from '../../../projections/projection.ts'
import type { Markup } from '../../pages/declaration.ts'
import type { ListColumn, ListOf } from '../../pages/list.ts'
import { amount, pathOf, shortId } from '../../pages/markup.ts'

const list = <T extends Table>(of: ListOf<T>): ListOf<T> => of

export const toAccount = (id: string) => pathOf('killatamata', 'accounts', id)
export const toJob = (id: string) => pathOf('killatamata', 'jobs', id)
export const toGame = (id: string) => pathOf('killatamata', 'games', id)
export const toRelease = (id: string) => pathOf('killatamata', 'releases', id)

/** Micro-dollars as they were recorded, with the dollars that they are. */
export const micros = (value: string | null): Markup =>
  value === null ? amount(value) : html`${amount(value)} <small>(${usdText(BigInt(value))} USD)</small>`

/** In a list: dollars alone, with six decimals. */
const dollars = <Name extends string>(
  name: Name,
  label: string,
): ListColumn<Readonly<Record<Name, string | null>>> => ({
  ...{ name, label, isFigure: true },
  show: ({ [name]: value }) => amount(value === null ? value : usdText(BigInt(value))),
})

const account = {
  name: 'account_id',
  label: 'Account',
  show: ({ account_id }: { account_id: string | null }) =>
    account_id === null ? 'nobody’s' : shortId(account_id, toAccount(account_id)),
}
const ofAccount = { name: 'account_id', label: 'Account id' } as const

export const accountList = list({
  ...{ table: accounts, kind: 'account', kinds: 'accounts', tenant: 'account_id', id: 'account_id', at: 'created_at' },
  aliases: ['email'],
  path: '/killatamata/accounts',
  nameOf: ({ account_id }) => account_id,
  columns: [
    { name: 'account_id', label: 'Account' },
    { name: 'status', label: 'Status' },
    { name: 'is_admin', label: 'Reviews games' },
    { name: 'created_at', label: 'Opened' },
  ],
  filters: [
    { name: 'status', choices: ['active', 'forgotten'] },
    { name: 'is_admin', label: 'Reviews games', choices: ['true', 'false'] },
  ],
  empty: { says: 'Nobody has an account.', command: 'opslog demo killatamata' },
})

export const balanceList = list({
  ...{ table: balances, kind: 'balance', kinds: 'balances', tenant: 'account_id', id: 'account_id', at: 'updated_at' },
  path: '/killatamata/balances',
  nameOf: ({ account_id }) => account_id,
  columns: [
    { name: 'account_id', label: 'Account' },
    dollars('available_micros', 'To spend, USD'),
    dollars('held_micros', 'Held, USD'),
    dollars('owed_micros', 'Owed, USD'),
    { name: 'period', label: 'Period', isFigure: true },
    { name: 'updated_at', label: 'Changed' },
  ],
  sorts: ['available_micros', 'held_micros', 'owed_micros'],
  filters: [ofAccount],
  hrefOf: ({ account_id }) => `/killatamata/accounts/${encodeURIComponent(account_id)}`,
  empty: { says: 'Nobody has had any credit.', command: 'opslog demo killatamata' },
})

export const ledgerList = list({
  ...{ table: postings, kind: 'posting', kinds: 'postings', tenant: 'account_id', id: 'event_id', at: 'posted_at' },
  path: '/killatamata/ledger',
  nameOf: ({ event_id, entry }) => `${event_id} ${entry}`,
  columns: [
    account,
    { name: 'account', label: 'Of the books' },
    { name: 'side' },
    dollars('usd_micros', 'USD'),
    { name: 'posted_at', label: 'At' },
    { name: 'event_id', label: 'Event' },
  ],
  filters: [
    ofAccount,
    { name: 'account', label: 'Of the books', is: 'begins' },
    { name: 'side', choices: ['debit', 'credit'] },
    { name: 'event_id', label: 'Event id' },
  ],
  hrefOf: ({ event_id }) => `/events/${event_id}`,
  empty: { says: 'No money has moved.' },
})

export const jobList = list({
  ...{ table: mediaJobs, kind: 'media job', kinds: 'media jobs', tenant: 'account_id', id: 'job_id', at: 'created_at' },
  aliases: ['request_id', 'hold_id'],
  path: '/killatamata/jobs',
  nameOf: ({ task, job_id }) => `${task} (${job_id})`,
  columns: [
    { name: 'job_id', label: 'Job' },
    { name: 'task', label: 'What' },
    { name: 'status', label: 'Status' },
    dollars('hold_micros', 'Held for it, USD'),
    dollars('charged_micros', 'Charged, USD'),
    { name: 'failure_code', label: 'Why it failed' },
    account,
    { name: 'created_at', label: 'Asked' },
    { name: 'ended_at', label: 'Ended' },
  ],
  filters: [
    { name: 'status', choices: ['queued', 'processing', 'completed', 'failed'] },
    { name: 'task', label: 'What', is: 'begins' },
    { name: 'failure_code', label: 'Why it failed' },
    ofAccount,
  ],
  sorts: ['hold_micros'],
  empty: { says: 'No job was asked for.', command: 'opslog demo killatamata' },
})

export const settlementList = list({
  ...{ table: settlements, kind: 'settlement', kinds: 'settlements', tenant: 'account_id', at: 'noticed_at' },
  ...{ id: 'settlement_id', aliases: ['provider_id', 'checkout_id', 'payment_intent_id'] },
  path: '/killatamata/settlements',
  nameOf: ({ provider, provider_id }) => `${provider} ${provider_id}`,
  columns: [
    { name: 'settlement_id', label: 'Settlement' },
    { name: 'provider' },
    { name: 'provider_id', label: 'At the provider' },
    { name: 'status', label: 'Status' },
    { name: 'usd_cents', label: 'Sold for, cents', isFigure: true },
    { name: 'paid_cents', label: 'Paid otherwise, cents', isFigure: true },
    { name: 'paid_currency', label: 'In' },
    { name: 'reversed_cents', label: 'Paid back, cents', isFigure: true },
    account,
    { name: 'noticed_at', label: 'Noticed' },
  ],
  filters: [
    { name: 'status', choices: ['noticed', 'confirmed', 'credited', 'lapsed', 'mismatched', 'unmatched'] },
    { name: 'provider', choices: ['stripe', 'coinbase'] },
    { name: 'provider_id', label: 'At the provider' },
    ofAccount,
  ],
  sorts: ['usd_cents'],
  empty: { says: 'No provider has told of a payment.', command: 'opslog demo killatamata' },
})

export const x402List = list({
  ...{ table: x402Payments, kind: 'x402 payment', kinds: 'x402 payments', tenant: 'account_id', at: 'claimed_at' },
  ...{ id: 'payment_id', aliases: ['purchase_id'] },
  path: '/killatamata/x402-payments',
  nameOf: ({ purchase_id }) => purchase_id,
  columns: [
    { name: 'payment_id', label: 'Payment' },
    { name: 'status', label: 'Status' },
    { name: 'usd_cents', label: 'Cents', isFigure: true },
    { name: 'transaction', label: 'Transaction', show: ({ transaction }) => shortId(transaction) },
    account,
    { name: 'claimed_at', label: 'Claimed' },
  ],
  filters: [{ name: 'status', choices: ['claimed', 'settled', 'credited', 'failed'] }, ofAccount],
  empty: { says: 'No program has bought credit.' },
})

export const affiliateList = list({
  ...{ table: affiliates, kind: 'affiliate', kinds: 'affiliates', tenant: 'account_id', at: 'created_at' },
  id: 'affiliate_id',
  path: '/killatamata/affiliates',
  nameOf: ({ affiliate_id }) => affiliate_id,
  columns: [
    { name: 'affiliate_id', label: 'Affiliate' },
    { name: 'status', label: 'Status' },
    dollars('pending_micros', 'Pending, USD'),
    dollars('available_micros', 'Available, USD'),
    dollars('requested_micros', 'Requested, USD'),
    dollars('paid_micros', 'Paid, USD'),
    { name: 'paying_accounts', label: 'Customers', isFigure: true },
    account,
    { name: 'created_at', label: 'Applied' },
  ],
  filters: [{ name: 'status', choices: ['active', 'pending'] }, ofAccount],
  sorts: ['available_micros', 'requested_micros', 'paid_micros', 'paying_accounts'],
  empty: { says: 'Nobody has applied.', command: 'opslog demo killatamata' },
})

export const payoutRequestList = list({
  ...{ table: payoutRequests, kind: 'payout request', kinds: 'payout requests', tenant: 'account_id' },
  ...{ id: 'payout_request_id', aliases: ['payout_id'], at: 'created_at' },
  path: '/killatamata/payout-requests',
  nameOf: ({ payout_request_id }) => payout_request_id,
  columns: [
    { name: 'payout_request_id', label: 'Request' },
    { name: 'status', label: 'Status' },
    dollars('usd_micros', 'USD'),
    { name: 'reference', label: 'Paid as' },
    { name: 'reason', label: 'Why not' },
    account,
    { name: 'created_at', label: 'Requested' },
    { name: 'decided_at', label: 'Decided' },
  ],
  filters: [{ name: 'status', choices: ['requested', 'paid', 'rejected'] }, ofAccount],
  sorts: ['usd_micros'],
  empty: { says: 'No affiliate has requested a payout.' },
})

export const gameList = list({
  ...{ table: games, kind: 'game', kinds: 'games', tenant: 'account_id', id: 'game_id', at: 'created_at' },
  aliases: ['slug'],
  path: '/killatamata/games',
  nameOf: ({ title }) => title,
  columns: [
    { name: 'title' },
    { name: 'game_id', label: 'Game' },
    { name: 'slug' },
    { name: 'tags', show: ({ tags }) => tags.join(', ') },
    account,
    { name: 'created_at', label: 'Created' },
  ],
  filters: [{ name: 'slug', is: 'begins' }, { name: 'title', is: 'begins' }, ofAccount],
  empty: { says: 'There is no game.', command: 'opslog demo killatamata' },
})

export const releaseList = list({
  ...{ table: releases, kind: 'release', kinds: 'releases', tenant: 'account_id', id: 'release_id', at: 'created_at' },
  path: '/killatamata/releases',
  nameOf: ({ version, release_id }) => `${version} (${release_id})`,
  columns: [
    { name: 'release_id', label: 'Release' },
    { name: 'game_id', label: 'Game', show: ({ game_id }) => shortId(game_id, toGame(game_id)) },
    { name: 'version' },
    { name: 'status', label: 'Status' },
    { name: 'size_bytes', label: 'Bytes', isFigure: true },
    { name: 'file_count', label: 'Files', isFigure: true },
    account,
    { name: 'created_at', label: 'Uploaded' },
    { name: 'submitted_at', label: 'Submitted' },
  ],
  filters: [
    { name: 'status', choices: ['draft', 'submitted', 'in_review', 'approved', 'rejected', 'published'] },
    { name: 'game_id', label: 'Game id' },
    ofAccount,
  ],
  empty: { says: 'No game has a release.' },
})

export const planList = list({
  ...{ table: approvalPlans, kind: 'approval plan', kinds: 'approval plans', tenant: 'account_id', id: 'plan_id' },
  at: 'created_at',
  path: '/killatamata/plans',
  nameOf: ({ plan_id }) => plan_id,
  columns: [
    { name: 'plan_id', label: 'Plan' },
    { name: 'status', label: 'Status' },
    dollars('total_usd_micros', 'In all, USD'),
    { name: 'project_id', label: 'Project' },
    account,
    { name: 'created_at', label: 'Made' },
    { name: 'expires_at', label: 'Until' },
  ],
  filters: [
    { name: 'status', choices: ['pending', 'executed', 'expired'] },
    { name: 'project_id', label: 'Project id' },
    ofAccount,
  ],
  sorts: ['total_usd_micros'],
  empty: { says: 'The agent has planned nothing.', command: 'opslog demo killatamata' },
})
