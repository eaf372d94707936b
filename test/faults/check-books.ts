/**
 * The books as an operator reads them: initial balance, closed trades, corrections and payouts make the balance. The
 * accounts are to be flat, since the commission of an open position is in the balance and in no trade yet.
 */
import { Decimal } from 'decimal.js'
import type { House } from './house.ts'
import { type Call, type History, insist } from './workload.ts'

const INITIAL_BALANCE = 100_000
const PAGE = 200
const PAGES_MAX = 50

export async function bookContradictions(house: House, history: History): Promise<string[]> {
  const found: string[] = []
  for (const call of history.filter(({ what, outcome }) => what === 'account' && outcome === 'ok')) {
    found.push(...(await accountContradictions(house, call)))
  }
  return found
}

/** What an account's books are made of cannot be read. */
class UnreadableBooks extends Error {
  override name = 'UnreadableBooks'
}

async function accountContradictions(house: House, call: Call): Promise<string[]> {
  try {
    return await judge(house, call)
  } catch (error) {
    if (error instanceof UnreadableBooks) return [`account ${call.id}: ${error.message}`]
    throw error
  }
}

async function judge(house: House, { id, key }: Call): Promise<string[]> {
  const read = async (path: string) =>
    (await insist(house, 'GET', path, undefined, key === undefined ? {} : { key })).body
  const named = `external_account_id=${id}`
  const [{ account }, { summary }] = await Promise.all([
    read(`/accounts/by-external-id?${named}`),
    read(`/accounts/by-external-id/summary?${named}`),
  ])
  if (!account || !summary) return [`account ${id} was opened, and has no figures`]

  /** Every row of a list, page by page. */
  async function* rows(path: string, name: string): AsyncIterable<Record<string, string>> {
    let after = ''
    for (let page = 0; page < PAGES_MAX; page++) {
      const body = await read(`${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${after}`)
      if (!body[name]) throw new UnreadableBooks(`${path} answers ${JSON.stringify(body)}`)
      yield* body[name]
      if (!body.next_cursor) return
      after = `&${new URLSearchParams(body.next_cursor)}`
    }
    throw new UnreadableBooks(`more than ${PAGES_MAX} pages of ${name}`)
  }

  let sum = new Decimal(INITIAL_BALANCE)
  for await (const { net_pnl } of rows(`/accounts/by-external-id/trades?${named}`, 'trades')) {
    sum = sum.plus(net_pnl ?? Number.NaN)
  }
  const user = `/users/${account.global_user_id}`
  for await (const { account_id, status, amount } of rows(`${user}/account-corrections`, 'corrections')) {
    if (account_id === account.account_id && status === 'executed') sum = sum.plus(amount ?? Number.NaN)
  }
  for await (const row of rows(`${user}/payout-statements`, 'statements')) {
    if (row.account_id !== account.account_id || row.account_effect_status !== 'executed') continue
    sum = sum.minus(row.accepted_gross_amount ?? Number.NaN)
  }
  return sum.equals(summary.balance)
    ? []
    : [`account ${id}: balance ${summary.balance}, its trades, corrections and payouts make ${sum.toFixed(2)}`]
}
