/** Two operators with the same names for different things, and what auditors ask about them. */
import { randomUUID } from 'node:crypto'
import type { RawEvent } from '../../../src/audit/raw-log.ts'
import { createKnownOwners, type Ownership, type OwnersOf } from '../../../src/audit/scope.ts'
import { auditRules } from '../../support/contexts.ts'
import type { Answer, Api } from '../api.ts'
import { fundedAccount } from '../noctant/books.ts'
import { accountRequest, type TestOperator } from '../noctant/serving.ts'

export interface Tenant extends TestOperator {
  /** Of the account that both have; another account under it each. */
  externalAccountId: string
  userId: string
  programAccountId: string
  accountId: string
  /** Of a request that changed that account's status. */
  requestId: string
  payoutRequestId: string
  /** Another account, that an engine tells of. */
  traded: { externalAccountId: string; accountId: string }
}

/** How a scope knows whose things are: by these owners, and by what contexts declare. */
export const ownership = (ownersOf: OwnersOf): Ownership => ({
  ownersOf,
  known: createKnownOwners(1_000),
  rules: auditRules,
})

export const SHARED = 'SHARED-1'

/** An operator with an account that others call the same, a correction, a payout request and a challenge. */
export async function tenant(api: Api): Promise<Tenant> {
  const operator = await api.addOperator()
  const { key } = operator
  const user = await api.call('POST', '/v1/users', { key, body: { external_id: 'trader-1', email: 'ada@example.com' } })
  const { body } = await api.call('POST', '/v1/accounts', { key, body: accountRequest(SHARED) })
  const requestId = randomUUID()
  await setStatus(api, operator, 'disabled', requestId)
  const funded = await fundedAccount(api, operator, { balance: '100000.00' })
  await funded.log.balance('100009.30', { cause: 'swap' })
  const payout = await api.call('POST', `/v1/users/${funded.userId}/payout-requests`, {
    key,
    body: { external_account_id: funded.externalAccountId, amount: '100', idempotency_key: randomUUID() },
  })
  await api.call('POST', `/v1/users/${user.body.global_user_id}/account-corrections`, {
    key,
    body: { external_account_id: SHARED, amount: '-5', reason: 'fee', idempotency_key: randomUUID() },
  })
  return {
    ...operator,
    externalAccountId: SHARED,
    userId: user.body.global_user_id,
    programAccountId: body.account.program_account_id,
    accountId: body.account.account_id,
    requestId,
    payoutRequestId: payout.body.statement.payout_request_id,
    traded: { externalAccountId: funded.externalAccountId, accountId: funded.accountId },
  }
}

export function setStatus(
  api: Api,
  { key }: TestOperator,
  status: string,
  requestId: string = randomUUID(),
): Promise<Answer> {
  return api.call('PATCH', `/v1/accounts/by-external-id/status?external_account_id=${SHARED}`, {
    key,
    headers: { 'x-noctant-request-id': requestId },
    body: { status, idempotency_key: randomUUID(), reason: 'asked' },
  })
}

/** All pages of a question, from its start or from a cursor; fails where they do not end. */
export async function pagesOf(
  api: Api,
  path: string,
  key: string,
  { pagesMax = 200, from = null }: { pagesMax?: number; from?: string | null } = {},
): Promise<Answer[]> {
  const pages: Answer[] = []
  let cursor = from
  do {
    const more: string = cursor === null ? '' : `${path.includes('?') ? '&' : '?'}cursor=${cursor}`
    const page: Answer = await api.audit(path + more, { key })
    pages.push(page)
    cursor = page.body.next_cursor ?? null
  } while (cursor !== null && pages.length < pagesMax)
  if (cursor !== null) throw new Error(`${path} does not end within ${pagesMax} pages`)
  return pages
}

export const rawEvents = (api: Api): Promise<RawEvent[]> => Array.fromAsync(api.rawLog.readAll())
