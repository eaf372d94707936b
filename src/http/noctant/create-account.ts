/** POST /v1/accounts: opens a sponsored account for a user, once per external account id. */
import { createRoute, z } from '@hono/zod-openapi'
import { openAccount, programAccountIdOf } from '../../commands/noctant/account.ts'
import { globalUserIdOf } from '../../commands/noctant/user.ts'
import { waitForReadModels } from '../consistency.ts'
import { idempotentCommand, markReplay } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { decimalInput, externalId, optionalUuid } from '../schemas.ts'
import { withDigests } from './request-digests.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import {
  brandingPolicy,
  feedSource,
  operatorAccountView,
  providerType,
  requestIdHeader,
  rulesOwner,
  visibilityPolicy,
} from './schemas.ts'
import { accountView } from './views.ts'

const request = z
  .object({
    external_account_id: externalId,
    external_user_id: externalId.nullish(),
    global_user_id: optionalUuid,
    account_name: z.string().max(200).nullish(),
    currency: z.string().min(3).max(5),
    initial_balance: decimalInput,
    execution_profile_key: z.string().min(1).max(128),
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

const route = createRoute({
  method: 'post',
  path: '/v1/accounts',
  operationId: 'createAccount',
  tags: ['Accounts'],
  summary: 'Open a sponsored account',
  ...forOperator('accounts:create'),
  request: {
    headers: requestIdHeader,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: {
    200: json(answer, 'The account had been opened by the same request before; this is the answer it got then.'),
    201: json(answer, 'The account is open; the engine has been told.'),
    ...problemResponses,
  },
})

/** The facts of the account: in this form two requests for the same account are the same. */
function factsOf(operatorId: string, orgId: string, body: z.output<typeof request>) {
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

export const createAccount = operation(
  route,
  ({ bus, clock, personKeys, ...consistency }: NoctantDeps) =>
    async (c) => {
      const { operatorId, orgId } = c.get('principal')
      const facts = factsOf(operatorId, orgId, c.req.valid('json'))
      const scope = programAccountIdOf(operatorId, facts.externalAccountId)
      const request = await withDigests({ bus, personKeys }, facts, ['accountName'])
      const command = { context: 'noctant', action: 'createAccount', scope, key: facts.externalAccountId, request }
      const opened = await openAccount(bus, facts, idempotentCommand(c, command, { at: clock().toISOString() }))
      markReplay(c, opened)
      await waitForReadModels(c, opened.position, consistency)
      return c.json({ account: accountView(opened.state), created: !opened.replayed }, opened.replayed ? 200 : 201)
    },
)
