/**
 * Sponsored accounts, and their attempts: each attempt is traded on an execution account of its own, which is what the
 * engine's events name.
 */
import type { AccountEvent } from '../../events/noctant/account.ts'
import type { ChallengeEvent } from '../../events/noctant/challenge.ts'
import type { UserEvent } from '../../events/noctant/user.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { boolean, text, time, uuid } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import {
  type Change,
  columnsBut,
  columnsOf,
  defineProjection,
  defineTable,
  erase,
  patch,
  type RowOf,
  upsert,
} from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

type Opened = Extract<AccountEvent, { type: 'noctant.AccountOpened.v1' }>['data']
type StatusChanged = Extract<AccountEvent, { type: 'noctant.AccountStatusChanged.v1' }>['data']

export const accounts = defineTable({
  name: 'noctant_accounts',
  key: ['program_account_id'],
  columns: {
    operator_id: uuid,
    org_id: uuid,
    global_user_id: uuid,
    program_account_id: uuid,
    current_program_account_attempt_id: uuid,
    /** The execution account of the current attempt. */
    account_id: uuid,
    external_account_id: text,
    account_number: text,
    account_name: text.orNull,
    product_id: uuid.orNull,
    challenge_instance_id: uuid.orNull,
    currency: text,
    execution_profile_key: text,
    execution_mode: text.of<Opened['executionMode']>(),
    market_mode: text.of<Opened['marketMode']>(),
    program_type: text.of<Opened['programType']>(),
    program_origin: text.of<NonNullable<Opened['programOrigin']>>().orNull,
    provisioning_source: text.of<Opened['provisioningSource']>(),
    provider_type: text.of<Opened['providerType']>(),
    rules_owner: text.of<Opened['rulesOwner']>(),
    feed_source: text.of<Opened['feedSource']>(),
    branding_policy: text.of<Opened['brandingPolicy']>(),
    visibility_policy: text.of<Opened['visibilityPolicy']>(),
    claim_allowed: boolean,
    marketing_allowed: boolean,
    sponsorship_status: text.of<StatusChanged['to']>(),
    created_at: time,
    updated_at: time,
  },
  indexes: [
    '(account_id)',
    '(account_number)',
    '(external_account_id, operator_id)',
    '(operator_id, created_at DESC, program_account_id DESC)',
    '(global_user_id) WHERE account_name IS NOT NULL',
  ],
})

type Standing = { status: StatusChanged['to']; challengeInstanceId: string | null; updatedAt: string }

/** The row of an account that was opened with these facts, those of its attempt being the current one's. */
const accountRow = (facts: Opened, { status, challengeInstanceId, updatedAt }: Standing) => ({
  ...snake(facts),
  current_program_account_attempt_id: facts.attemptId,
  challenge_instance_id: challengeInstanceId,
  sponsorship_status: status,
  created_at: facts.occurredAt,
  updated_at: updatedAt,
})

export const attempts = defineTable({
  name: 'noctant_attempts',
  key: ['attempt_id'],
  columns: {
    attempt_id: uuid,
    /** The execution account. */
    account_id: uuid.unique,
    program_account_id: uuid,
    operator_id: uuid,
    org_id: uuid,
    started_at: time,
  },
  indexes: ['(program_account_id)'],
})

/** Of a challenge, what says that it was funded. */
type FundingEvent = Extract<
  ChallengeEvent,
  { type: 'noctant.ChallengeStarted.v1' | 'noctant.ChallengePassed.v1' | 'noctant.ChallengeActivated.v1' }
>

const funded = (data: { programAccountId: string }): Change =>
  patch(accounts, snake(data, 'programAccountId'), { program_type: 'funded' })

export const accountProjection = defineProjection<AccountEvent | FundingEvent | UserEvent>({
  name: 'noctant.account',
  version: 4,
  onPoison: 'park',
  tables: [accounts, attempts],
  handlers: {
    'noctant.AccountOpened.v1': ({ data }) => [
      upsert(accounts, accountRow(data, { status: 'active', challengeInstanceId: null, updatedAt: data.occurredAt })),
      upsert(attempts, { ...snake(data), started_at: data.occurredAt }),
    ],
    'noctant.AccountAttemptStarted.v1': ({ data }) => [
      patch(accounts, snake(data, 'programAccountId'), {
        current_program_account_attempt_id: data.attemptId,
        account_id: data.accountId,
        challenge_instance_id: null,
        program_type: 'standard',
        provisioning_source: 'challenge_start',
        updated_at: data.occurredAt,
      }),
      upsert(attempts, { ...snake(data), started_at: data.occurredAt }),
    ],
    'noctant.AccountChallengeAttached.v1': ({ data }) => [
      patch(accounts, snake(data, 'programAccountId'), {
        challenge_instance_id: data.instanceId,
        program_type: 'challenge',
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.ChallengeStarted.v1': ({ data }) =>
      data.status === 'active' && data.terms.steps[0]?.kind === 'funded' ? [funded(data)] : [],
    'noctant.ChallengePassed.v1': ({ data }) => (data.funded && data.status === 'passed' ? [funded(data)] : []),
    // An activation is what stands before the funded step.
    'noctant.ChallengeActivated.v1': ({ data }) => [funded(data)],
    'noctant.AccountStatusChanged.v1': ({ data }) => [
      patch(accounts, snake(data, 'programAccountId'), { sponsorship_status: data.to, updated_at: data.occurredAt }),
    ],
    'noctant.UserForgotten.v1': ({ data }) => [erase(accounts, snake(data, 'globalUserId'), ['account_name'])],
  },
})

/** What the contract's OperatorAccountView shows: all but the tenant, which the caller has named. */
export type AccountView = Omit<RowOf<typeof accounts>, 'operator_id'>
const viewColumns = columnsBut(accounts, 'operator_id')

/** The view that a read shows of an account in this state. */
export const accountView = (facts: Opened, standing: Standing): AccountView =>
  columnsOf(viewColumns, accountRow(facts, standing))

/** `externalAccountId` is compared byte for byte. */
export const findAccount = preparedOne((db, operatorId: string, externalAccountId: string) =>
  db
    .selectFrom('noctant_accounts')
    .select(viewColumns)
    .where('operator_id', '=', operatorId)
    .where('external_account_id', '=', externalAccountId),
)

/** Newest first. */
export function listAccounts(
  db: ReadModels,
  operatorId: string,
  page: Page<'created_at' | 'program_account_id'>,
): Promise<AccountView[]> {
  const query = noctantTables(db).selectFrom('noctant_accounts').select(viewColumns)
  const ofOperator = query.where('operator_id', '=', operatorId)
  return newestFirst(ofOperator, ['created_at', 'program_account_id'], page).execute()
}

/** An attempt of the account, or undefined where the account has none of that id. */
export const findAttempt = preparedOne((db, programAccountId: string, attemptId: string) =>
  db
    .selectFrom('noctant_attempts')
    .selectAll()
    .where('program_account_id', '=', programAccountId)
    .where('attempt_id', '=', attemptId),
)
