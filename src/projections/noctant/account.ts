/**
 * Sponsored accounts, and their attempts: each attempt is traded on an execution account of its own, which is what the
 * engine's events name.
 */
import type { AccountEvent } from '../../events/noctant/account.ts'
import type { UserEvent } from '../../events/noctant/user.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, erase, patch, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

type Opened = Extract<AccountEvent, { type: 'noctant.AccountOpened.v1' }>['data']
type StatusChanged = Extract<AccountEvent, { type: 'noctant.AccountStatusChanged.v1' }>['data']

/** What the contract's OperatorAccountView shows. */
export type AccountView = {
  org_id: string
  global_user_id: string
  program_account_id: string
  current_program_account_attempt_id: string
  /** The execution account of the current attempt. */
  account_id: string
  external_account_id: string
  account_number: string
  account_name: string | null
  product_id: string | null
  challenge_instance_id: string | null
  currency: string
  execution_profile_key: string
  execution_mode: Opened['executionMode']
  market_mode: Opened['marketMode']
  program_type: Opened['programType']
  program_origin: Opened['programOrigin']
  provisioning_source: Opened['provisioningSource']
  provider_type: Opened['providerType']
  rules_owner: Opened['rulesOwner']
  feed_source: Opened['feedSource']
  branding_policy: Opened['brandingPolicy']
  visibility_policy: Opened['visibilityPolicy']
  claim_allowed: boolean
  marketing_allowed: boolean
  sponsorship_status: StatusChanged['to']
  created_at: string
  updated_at: string
}

export type AccountRow = AccountView & { operator_id: string }

export type AttemptRow = {
  attempt_id: string
  /** The execution account. */
  account_id: string
  program_account_id: string
  operator_id: string
  org_id: string
  started_at: string
}

export const accounts = defineTable<AccountRow, 'program_account_id'>({
  name: 'noctant_accounts',
  key: ['program_account_id'],
  columns: {
    operator_id: 'uuid NOT NULL',
    org_id: 'uuid NOT NULL',
    global_user_id: 'uuid NOT NULL',
    program_account_id: 'uuid NOT NULL',
    current_program_account_attempt_id: 'uuid NOT NULL',
    account_id: 'uuid NOT NULL',
    external_account_id: 'text NOT NULL',
    account_number: 'text NOT NULL',
    account_name: 'text',
    product_id: 'uuid',
    challenge_instance_id: 'uuid',
    currency: 'text NOT NULL',
    execution_profile_key: 'text NOT NULL',
    execution_mode: 'text NOT NULL',
    market_mode: 'text NOT NULL',
    program_type: 'text NOT NULL',
    program_origin: 'text',
    provisioning_source: 'text NOT NULL',
    provider_type: 'text NOT NULL',
    rules_owner: 'text NOT NULL',
    feed_source: 'text NOT NULL',
    branding_policy: 'text NOT NULL',
    visibility_policy: 'text NOT NULL',
    claim_allowed: 'boolean NOT NULL',
    marketing_allowed: 'boolean NOT NULL',
    sponsorship_status: 'text NOT NULL',
    created_at: 'timestamptz(3) NOT NULL',
    updated_at: 'timestamptz(3) NOT NULL',
  },
  indexes: [
    '(operator_id, external_account_id)',
    '(operator_id, created_at DESC, program_account_id DESC)',
    '(global_user_id) WHERE account_name IS NOT NULL',
  ],
})

export const attempts = defineTable<AttemptRow, 'attempt_id'>({
  name: 'noctant_attempts',
  key: ['attempt_id'],
  columns: {
    attempt_id: 'uuid NOT NULL',
    account_id: 'uuid NOT NULL UNIQUE',
    program_account_id: 'uuid NOT NULL',
    operator_id: 'uuid NOT NULL',
    org_id: 'uuid NOT NULL',
    started_at: 'timestamptz(3) NOT NULL',
  },
  indexes: ['(program_account_id)'],
})

export const accountProjection = defineProjection<AccountEvent | UserEvent>({
  name: 'noctant.account',
  version: 2,
  onPoison: 'park',
  tables: [accounts, attempts],
  handlers: {
    'noctant.AccountOpened.v1': ({ data }) => [
      upsert(accounts, openedAccount(data)),
      upsert(attempts, firstAttempt(data)),
    ],
    'noctant.AccountAttemptStarted.v1': ({ data }) => [
      patch(
        accounts,
        { program_account_id: data.programAccountId },
        {
          current_program_account_attempt_id: data.attemptId,
          account_id: data.accountId,
          challenge_instance_id: null,
          updated_at: data.occurredAt,
        },
      ),
      upsert(attempts, {
        attempt_id: data.attemptId,
        account_id: data.accountId,
        program_account_id: data.programAccountId,
        operator_id: data.operatorId,
        org_id: data.orgId,
        started_at: data.occurredAt,
      }),
    ],
    'noctant.AccountChallengeAttached.v1': ({ data }) => [
      patch(
        accounts,
        { program_account_id: data.programAccountId },
        { challenge_instance_id: data.instanceId, updated_at: data.occurredAt },
      ),
    ],
    'noctant.AccountStatusChanged.v1': ({ data }) => [
      patch(
        accounts,
        { program_account_id: data.programAccountId },
        { sponsorship_status: data.to, updated_at: data.occurredAt },
      ),
    ],
    'noctant.UserForgotten.v1': ({ data }) => [
      erase(accounts, { global_user_id: data.globalUserId }, ['account_name']),
    ],
  },
})

const openedAccount = (data: Opened): AccountRow => ({
  operator_id: data.operatorId,
  org_id: data.orgId,
  global_user_id: data.globalUserId,
  program_account_id: data.programAccountId,
  current_program_account_attempt_id: data.attemptId,
  account_id: data.accountId,
  external_account_id: data.externalAccountId,
  account_number: data.accountNumber,
  account_name: data.accountName,
  product_id: data.productId,
  challenge_instance_id: null,
  currency: data.currency,
  execution_profile_key: data.executionProfileKey,
  execution_mode: data.executionMode,
  market_mode: data.marketMode,
  program_type: data.programType,
  program_origin: data.programOrigin,
  provisioning_source: data.provisioningSource,
  provider_type: data.providerType,
  rules_owner: data.rulesOwner,
  feed_source: data.feedSource,
  branding_policy: data.brandingPolicy,
  visibility_policy: data.visibilityPolicy,
  claim_allowed: data.claimAllowed,
  marketing_allowed: data.marketingAllowed,
  sponsorship_status: 'active',
  created_at: data.occurredAt,
  updated_at: data.occurredAt,
})

const firstAttempt = (data: Opened): AttemptRow => ({
  attempt_id: data.attemptId,
  account_id: data.accountId,
  program_account_id: data.programAccountId,
  operator_id: data.operatorId,
  org_id: data.orgId,
  started_at: data.occurredAt,
})

/** The view's columns: all but the tenant, which the caller has named. */
const viewColumns = Object.keys(accounts.columns).filter((name) => name !== 'operator_id') as (keyof AccountView)[]

/** `externalAccountId` is compared byte for byte. */
export const findAccount = preparedOne((db, operatorId: string, externalAccountId: string) =>
  db
    .selectFrom('noctant_accounts')
    .select(viewColumns)
    .where('operator_id', '=', operatorId)
    .where('external_account_id', '=', externalAccountId),
)

/** Newest first; `before` is the last account of the page before, which makes the order stable under inserts. */
export function listAccounts(
  db: ReadModels,
  operatorId: string,
  page: { before?: { createdAt: string; programAccountId: string } | undefined; limit: number },
): Promise<AccountView[]> {
  const { before, limit } = page
  return noctantTables(db)
    .selectFrom('noctant_accounts')
    .select(viewColumns)
    .where('operator_id', '=', operatorId)
    .$if(before !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('created_at', 'program_account_id'), '<', tuple(before!.createdAt, before!.programAccountId)),
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('program_account_id', 'desc')
    .limit(limit)
    .execute()
}

/** An attempt of the account, or undefined where the account has none of that id. */
export const findAttempt = preparedOne((db, programAccountId: string, attemptId: string) =>
  db
    .selectFrom('noctant_attempts')
    .selectAll()
    .where('program_account_id', '=', programAccountId)
    .where('attempt_id', '=', attemptId),
)
