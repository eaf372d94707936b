/** Operators of a house, each with a key, an endpoint for webhooks and a template under which accounts are funded. */
import { randomUUID } from 'node:crypto'
import { type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import { generateApiKey } from '../../src/commands/noctant/api-key.ts'
import { createOperator, operator } from '../../src/commands/noctant/operator.ts'
import { importTemplate } from '../../src/commands/noctant/template.ts'
import { setWebhookEndpoint } from '../../src/commands/noctant/webhook-endpoint.ts'
import { apiScope } from '../../src/events/noctant/vocabulary.ts'
import { generateWebhookSecret, sealSecret } from '../../src/webhooks/secret.ts'
import { fundedTerms } from '../http/noctant/books.ts'
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts'
import type { House } from './house.ts'
import type { Random } from './plan.ts'

export interface Operator {
  operatorId: string
  key: string
  /** Funded from the start. */
  templateId: string
  receiver: Receiver
}

const context = (): CommandContext => ({
  commandId: randomUUID(),
  fingerprint: undefined,
  actor: { kind: 'admin', id: 'test' },
  requestId: randomUUID(),
  correlationId: randomUUID(),
  traceparent: undefined,
  at: new Date().toISOString(),
})

/** Written straight to the log. Ids follow from `random`; keys and secrets are as random as ever. */
export async function addOperator(house: House, random: Random): Promise<Operator> {
  const bus = createCommandBus(house.store, {
    cachedAggregatesMax: 100,
    seenCommandsMax: 100_000,
    conflictRetriesMax: 3,
  })
  const [operatorId, secretId] = [random.uuid(), random.uuid()]
  const facts = {
    operatorId,
    orgId: random.uuid(),
    name: 'Test operator',
    slug: `test-${operatorId}`,
    environment: 'sandbox' as const,
    rateLimitTier: 'unlimited' as const,
    apiAccess: 'allowlisted_beta' as const,
    allowedOrigins: [],
  }
  await createOperator(bus, facts, context())
  const { key, keyId, keyHash } = generateApiKey('sandbox')
  const issued = context()
  const keyFacts = { keyId, keyHash, scopes: [...apiScope.options], label: null }
  await bus.handle(operator, operatorId, { kind: 'issueKey', key: keyFacts, at: issued.at }, issued)

  const receiver = await startReceiver()
  const sealed = sealSecret(generateWebhookSecret(), { endpointId: operatorId, secretId }, house.sealingKey)
  const set = context()
  const endpoint = { kind: 'set', operatorId, url: receiver.url, eventTypes: null, at: set.at } as const
  await setWebhookEndpoint(bus, { ...endpoint, secret: { secretId, sealed } }, set)

  const terms = fundedTerms({ minimumProfit: '0.01' })
  const { state } = await importTemplate(bus, { operatorId, key: 'funded', terms }, context())
  if (state.status === 'absent') throw new Error('the template was imported')
  return { operatorId, key, templateId: state.templateId, receiver }
}
