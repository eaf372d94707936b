/** POST /v1/accounts: opens a sponsored account for a user, once per external account id. */
import { z } from '@hono/zod-openapi'
import { openAccount, programAccountIdOf } from '../../../commands/noctant/account.ts'
import { currentAccount } from '../../../commands/noctant/account-program.ts'
import { globalUserIdOf } from '../../../commands/noctant/user.ts'
import { json } from '../../answers.ts'
import { decimalInput, externalId, optionalUuid, text } from '../../schemas.ts'
import { type Operator, operatorKey, write } from '../access.ts'
import { withDigests } from '../request-digests.ts'
import {
  brandingPolicy,
  feedSource,
  operatorAccountView,
  providerType,
  requestIdHeader,
  rulesOwner,
  visibilityPolicy,
} from '../schemas.ts'
import { viewOf } from './account-view.ts'

const request = z
  .object({
    external_account_id: externalId,
    external_user_id: externalId.nullish(),
    global_user_id: optionalUuid,
    account_name: text(200).nullish(),
    currency: text(5, 3),
    initial_balance: decimalInput,
    execution_profile_key: text(128, 1),
    product_id: optionalUuid,
    provider_type: providerType,
    rules_owner: rulesOwner,
    feed_source: feedSource,
    branding_policy: brandingPolicy,
    visibility_policy: visibilityPolicy,
    claim_allowed: z.boolean(),
    marketing_allowed: z.boolean(),
  })
  .refine((body) => (body.external_user_id == null) !== (body.global_user_id == null), {
    message: 'Exactly one of external_user_id and global_user_id',
    path: ['external_user_id'],
  })
  .openapi('CreateAccountRequest')

const answer = z.object({ account: operatorAccountView, created: z.boolean() }).openapi('CreateAccountResponse')

/** The facts of the account: in this form two requests for the same account are the same. */
function factsOf({ operatorId, orgId }: Operator, body: z.output<typeof request>) {
  return {
    operatorId,
    orgId,
    globalUserId: body.global_user_id ?? globalUserIdOf(operatorId, body.external_user_id ?? ''),
    externalAccountId: body.external_account_id,
    accountName: body.account_name ?? null,
    productId: body.product_id ?? null,
    currency: body.currency.toUpperCase(),
    initialBalance: body.initial_balance,
    executionProfileKey: body.execution_profile_key,
    providerType: body.provider_type,
    rulesOwner: body.rules_owner,
    feedSource: body.feed_source,
    brandingPolicy: body.branding_policy,
    visibilityPolicy: body.visibility_policy,
    claimAllowed: body.claim_allowed,
    marketingAllowed: body.marketing_allowed,
  }
}

export const createAccount = write({
  path: '/v1/accounts',
  id: 'createAccount',
  tags: ['Accounts'],
  summary: 'Open a sponsored account',
  description:
    'Opens an account for one of your users. The same id with the same facts answers the account that exists; other facts are refused.',
  example: { external_user_id: 'trader-1', rules_owner: 'partner' },
  access: operatorKey('accounts:create'),
  headers: requestIdHeader,
  body: request,
  answers: {
    200: json(answer, 'The account had been opened by the same request before; this is how it stands now.'),
    201: json(answer, 'The account is open; the engine has been told.'),
  },
  refuses: [
    'account_facts_differ',
    'invalid_amount',
    'invalid_currency',
    'product_not_found',
    'product_not_sellable',
    'product_rules_owner',
    'user_forgotten',
    'user_not_found',
  ],
  facts: ({ principal, body }) => factsOf(principal, body),
  key: { from: 'facts', key: ({ externalAccountId }) => externalAccountId },
  scope: (_, { operatorId, externalAccountId }) => programAccountIdOf(operatorId, externalAccountId),
  fingerprint: (facts, parts) => withDigests(parts, facts, ['accountName']),
  async handle({ bus, facts, command, engineCurrencies }) {
    const handled = await openAccount(bus, facts, command, engineCurrencies)
    if (!handled.replayed) return { status: 201, body: { account: viewOf(handled.state), created: true }, handled }
    const programAccountId = programAccountIdOf(facts.operatorId, facts.externalAccountId)
    const account = viewOf(await currentAccount(bus, programAccountId))
    return { status: 200, body: { account, created: false }, handled }
  },
})
