/** One operator, one user and one account of context noctant, as tests tell their stories with them. */

import { deterministicId } from '../../../src/commands/identity.ts'
import {
  type AccountFacts,
  type AccountState,
  account,
  programAccountIdOf,
} from '../../../src/commands/noctant/account.ts'
import type { ApiKeyFacts, OperatorFacts } from '../../../src/commands/noctant/operator.ts'
import { globalUserIdOf, type ProvisionUser } from '../../../src/commands/noctant/user.ts'
import type { AccountEvent } from '../../../src/events/noctant/account.ts'
import type { OperatorEvent } from '../../../src/events/noctant/operator.ts'
import type { UserEvent } from '../../../src/events/noctant/user.ts'
import { at } from '../moments.ts'

/** A minute of the story: `at(5)` is five past nine. */
export { at }

/** The id of the n-th command of a story. */
export const commandId = (n: number): string => deterministicId('test command', String(n))

export const operatorFacts: OperatorFacts = {
  operatorId: deterministicId('test operator', 'acme'),
  orgId: deterministicId('test organisation', 'acme'),
  name: 'Acme Trading',
  slug: 'acme',
  environment: 'sandbox',
  rateLimitTier: 'standard',
  apiAccess: 'allowlisted_beta',
  allowedOrigins: [],
}
export const operatorCreated: OperatorEvent = {
  type: 'noctant.OperatorCreated.v1',
  data: { ...operatorFacts, occurredAt: at(0) },
}

export const keyFacts: ApiKeyFacts = {
  keyId: 'key1',
  label: 'first key',
  scopes: ['accounts:read'],
  keyHash: 'a'.repeat(64),
}

const { operatorId, orgId } = operatorFacts
export const provision: ProvisionUser = {
  operatorId,
  orgId,
  externalId: 'trader-1',
  email: 'ada@example.com',
  displayName: 'Ada',
  at: at(1),
}
export const userProvisioned: Extract<UserEvent, { type: 'noctant.UserProvisioned.v1' }> = {
  type: 'noctant.UserProvisioned.v1',
  data: {
    globalUserId: globalUserIdOf(operatorId, 'trader-1'),
    operatorId,
    orgId,
    externalId: 'trader-1',
    email: 'ada@example.com',
    displayName: 'Ada',
    occurredAt: at(1),
  },
}

export const accountFacts: AccountFacts = {
  operatorId,
  orgId,
  globalUserId: userProvisioned.data.globalUserId,
  externalAccountId: 'account-1',
  accountName: 'First account',
  productId: null,
  currency: 'USD',
  initialBalance: '100000.00',
  executionProfileKey: 'standard',
  providerType: 'prop_firm',
  rulesOwner: 'partner',
  feedSource: 'noctant',
  brandingPolicy: 'co_brand',
  visibilityPolicy: 'same_sponsor_only',
  claimAllowed: false,
  marketingAllowed: false,
}
export const programAccountId = programAccountIdOf(operatorId, 'account-1')

/** What opening the account wrote: the account, and the request to the engine under `commandId(1)`. */
export const accountOpened: AccountEvent[] = account.decide(
  { kind: 'open', facts: accountFacts, commandId: commandId(1), at: at(2) },
  account.initialState,
)

/** The account's state right after it was opened. */
export const openState: AccountState = accountOpened.reduce(account.evolve, account.initialState)
