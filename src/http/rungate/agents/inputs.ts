/** What callers say of agents. */
import { z } from '@hono/zod-openapi'
import type { AgentProfile } from '../../../events/rungate/agent.ts'
import { loadBalancing, routingPreference } from '../../../events/rungate/policy-settings.ts'
import { isUuid } from '../../../events/uuid.ts'
import { inCamelCase } from '../../../runtime/letter-case.ts'
import { boundedText, listOf, recordOf, uuid } from '../../schemas.ts'
import { chain, modelRoutes, timeout } from '../policies/settings-schema.ts'
import { description, entityName, metadata, ofAccount, withMore } from '../schemas.ts'

/** What no installation may go beyond; how many each takes, its settings say (bounds.ts). */
const KEYS_PER_PROVIDER_MAX = 200
const PROVIDERS_MAX = 50
const POLICIES_MAX = 200
/** No id is longer; which member it is, is found out behind. */
const ID_LENGTH_MAX = 64

const keyId = boundedText(100)
  .refine(isUuid, 'must be the id of a provider key')
  .transform((text) => text.toLowerCase())
const isWeight = (weight: number) => weight >= 1 && weight <= 100
const choices = <W extends z.ZodType>(weight: W) =>
  recordOf(
    z.union([
      keyId,
      listOf(z.object({ key_id: keyId, weight }), KEYS_PER_PROVIDER_MAX).refine(
        (given) => given.length > 0,
        'must name a key',
      ),
    ]),
    PROVIDERS_MAX,
    50,
  )
const providerKeys = choices(z.int().min(1).max(100)).optional()
/** The contract shows the bounds of weights in some bodies only. */
const loosely = choices(z.int().refine(isWeight, 'must be from 1 to 100')).optional()

const override = {
  default_chain: chain.optional(),
  model_routes: modelRoutes.optional(),
  load_balancing: loadBalancing.optional(),
  routing_preference: routingPreference.optional(),
  timeout_ms: timeout.optional(),
}
const { default_chain, timeout_ms } = override
const routingOverride = z.object(override).nullish()
const shortOverride = withMore(z.looseObject({ default_chain, timeout_ms }), z.object(override)).nullish()

const status = z.enum(['active', 'disabled']).optional()
/** In no body of the contract, though agents have it. */
const uncontracted = z.object({ allowed_policies: listOf(uuid, POLICIES_MAX).nullish() })

const about = { description: description.nullish(), metadata: metadata.optional() }

export const createInput = withMore(
  z
    .looseObject({
      ...{ name: entityName, policy_id: uuid, provider_keys: providerKeys, routing_override: routingOverride },
      ...{ ...about, ...ofAccount },
    })
    .openapi('CreateAgentInput'),
  uncontracted,
)
export const upsertInput = withMore(
  z
    .looseObject({
      ...{ policy_id: uuid.optional(), provider_keys: providerKeys, routing_override: routingOverride, status },
      ...{ ...about, ...ofAccount },
    })
    .openapi('UpsertAgentInput'),
  uncontracted,
)
export const putInput = withMore(
  z.looseObject({
    ...{ name: entityName.optional(), policy_id: uuid.optional(), status, ...about },
    ...{ provider_keys: loosely, routing_override: shortOverride },
  }),
  uncontracted,
)
export const patchInput = withMore(
  z.looseObject({
    ...{ name: entityName.optional(), policy_id: uuid.optional(), status, ...about },
    member_id: boundedText(ID_LENGTH_MAX).nullish(),
  }),
  uncontracted,
)

type AgentBody = z.output<typeof putInput>
type Choice = AgentProfile['providerKeys'][string]

/** What is sent, in the domain's words. */
export function profileOf(body: Partial<AgentBody>): Partial<AgentProfile> {
  const { name, description, policy_id, allowed_policies, provider_keys, routing_override, metadata, status } = body
  const keys = Object.entries(provider_keys ?? {}).map(([provider, choice]) => [
    provider,
    inCamelCase(choice) as Choice,
  ])
  const profile: { [Name in keyof AgentProfile]: AgentProfile[Name] | undefined } = {
    ...{ name, description, policyId: policy_id, allowedPolicies: allowed_policies, metadata, status },
    providerKeys: provider_keys && Object.fromEntries(keys),
    routingOverride: inCamelCase(routing_override) as AgentProfile['routingOverride'] | undefined,
  }
  const given = Object.entries(profile).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Partial<AgentProfile>
}
