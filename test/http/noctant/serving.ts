/** What an API of noctant's is made of in tests, and how operators and their keys come to be. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { CommandBus } from '../../../src/commands/handle.ts'
import { deterministicId } from '../../../src/commands/identity.ts'
import { generateApiKey } from '../../../src/commands/noctant/api-key.ts'
import {
  createOperator,
  type OperatorFacts,
  operator as operatorAggregate,
} from '../../../src/commands/noctant/operator.ts'
import { accountCurrencies } from '../../../src/engine/money.ts'
import { type ApiScope, apiScope } from '../../../src/events/noctant/vocabulary.ts'
import { withParts } from '../../../src/http/context.ts'
import { noctant } from '../../../src/http/noctant/api.ts'
import { createCredentialDirectory } from '../../../src/projections/noctant/credentials.ts'
import { eventually } from '../../projections/support.ts'
import { type ApiGround, systemContext } from '../api.ts'

export interface TestOperator {
  operatorId: string
  orgId: string
  /** A key with every scope. */
  key: string
  keyId: string
}

const noctantSettings = {
  engineCurrencies: accountCurrencies,
  keyRotationGraceMs: 300_000,
  keysPerOperatorMax: 100,
  perMinute: { requestsMax: 600, rotationsMax: 100_000 },
  keyKnownWaitMs: 5_000,
  replayWindowMaxMs: 31 * 86_400_000,
  hostedPagesPerMinuteMax: 600,
  launch: { tokenTtlMs: 300_000, browserSessionTtlMs: 28_800_000, publicUrl: undefined as string | undefined },
}
export type NoctantSettings = Partial<typeof noctantSettings>

export async function servingNoctant({ bus, store, options, ring, follow, coreOf }: ApiGround) {
  const credentials = await follow('credentials', createCredentialDirectory())
  const endpoints = { sealingKey: async () => ring.active(), overlapMs: 60_000, allowLoopback: true, attemptsMax: 10 }

  /** A new operator, or another key of one. */
  async function addKey(operatorId: string, scopes: readonly ApiScope[]): Promise<{ key: string; keyId: string }> {
    const { key, keyId, keyHash } = generateApiKey('sandbox')
    const at = new Date().toISOString()
    const facts = { keyId, label: null, scopes: [...scopes], keyHash }
    await bus.handle(operatorAggregate, operatorId, { kind: 'issueKey', key: facts, at }, systemContext())
    await eventually(() => expect(credentials.find(keyId)).toBeDefined())
    return { key, keyId }
  }

  return {
    directories: {},
    contextOn: (of: CommandBus) =>
      withParts(noctant, {
        ...coreOf('noctant', of),
        store,
        credentials,
        endpoints,
        ...noctantSettings,
        ...options.noctant,
      }),
    members: {
      credentials,
      addKey,
      async addOperator(overrides: Partial<OperatorFacts> = {}): Promise<TestOperator> {
        const operatorId = randomUUID()
        const orgId = deterministicId('test organisation', operatorId)
        const facts: OperatorFacts = {
          operatorId,
          orgId,
          name: 'Acme Trading',
          slug: `acme-${operatorId.slice(0, 8)}`,
          environment: 'sandbox',
          rateLimitTier: 'unlimited',
          apiAccess: 'allowlisted_beta',
          allowedOrigins: ['https://acme.example'],
          ...overrides,
        }
        await createOperator(bus, facts, systemContext())
        return { operatorId, orgId, ...(await addKey(operatorId, apiScope.options)) }
      },
      /** A command of an administrator's. */
      administer: (operatorId: string, command: Parameters<typeof operatorAggregate.decide>[0]) =>
        bus.handle(operatorAggregate, operatorId, command, systemContext()),
    },
  }
}

/** A request for an account that is all right. */
export const accountRequest = (externalAccountId: string, overrides: Record<string, unknown> = {}) => ({
  external_account_id: externalAccountId,
  external_user_id: 'trader-1',
  currency: 'usd',
  initial_balance: '100000',
  execution_profile_key: 'standard',
  provider_type: 'prop_firm',
  rules_owner: 'partner',
  feed_source: 'noctant',
  branding_policy: 'co_brand',
  visibility_policy: 'same_sponsor_only',
  claim_allowed: false,
  marketing_allowed: true,
  ...overrides,
})
