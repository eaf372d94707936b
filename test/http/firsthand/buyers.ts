/** Organizations of firsthand, with keys and credits, as tests of its API need them. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { generateApiKey } from '../../../src/commands/firsthand/api-key.ts'
import { organization } from '../../../src/commands/firsthand/organization.ts'
import { wallet, walletIdOf } from '../../../src/commands/firsthand/wallet.ts'
import { webhookEvent } from '../../../src/commands/firsthand/webhook-event.ts'
import { type Environment, type Scope, scope, type Tier } from '../../../src/events/firsthand/vocabulary.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, systemContext } from '../api.ts'

/** What these helpers need: an API that the test's process serves, or an instance that is a process of its own. */
export interface Home extends Pick<Api, 'bus' | 'buy'> {
  /** Knows by a key's public part whether the API takes it already. */
  buyers: { find(textId: string): unknown }
  workers: { find(textId: string): unknown }
}

export interface Buyer {
  organizationId: string
  /** A key of the live world with every scope. */
  key: string
  keyId: string
}

const newId = (prefix: string) => prefixedId(prefix, new Date().toISOString(), randomUUID())

/** Another key of an organization, known to the API when this resolves. */
export async function addKey(
  api: Home,
  organizationId: string,
  { scopes = scope.options, environment = 'live' }: { scopes?: readonly Scope[]; environment?: Environment } = {},
): Promise<Omit<Buyer, 'organizationId'>> {
  const context = systemContext()
  const { secret, ...text } = generateApiKey(environment)
  const keyId = newId('key')
  const key = { ...text, keyId, name: 'test', scopes: [...scopes], environment, expiresAt: null }
  const command = { kind: 'createKey', key, by: null, keysMax: 100, at: context.at } as const
  await api.bus.handle(organization, organizationId, command, context)
  await eventually(() => expect(api.buyers.find(text.textId)).toBeDefined())
  return { key: secret, keyId }
}

/** Credits in a wallet; answers with the id of their lot. */
export async function grant(
  api: Home,
  organizationId: string,
  cents: number,
  { environment = 'live' as Environment, endsAt = null as string | null } = {},
): Promise<string> {
  const context = systemContext()
  const of = { organizationId, environment }
  const credits = { kind: 'grant', credits: 'free_tier', amountCents: BigInt(cents), endsAt, reason: null } as const
  const { events } = await api.bus.handle(wallet, walletIdOf(of), { ...credits, wallet: of, at: context.at }, context)
  return events[0]?.type === 'firsthand.CreditsGranted.v1' ? events[0].data.transactionId : ''
}

export async function addBuyer(
  api: Home,
  { tier = 'unlimited' as Tier, cents = 0, scopes = scope.options as readonly Scope[] } = {},
): Promise<Buyer> {
  const organizationId = newId('org')
  const context = systemContext()
  const facts = { organizationId, name: 'Acme Pictures', tier }
  await api.bus.handle(organization, organizationId, { kind: 'create', facts, at: context.at }, context)
  if (cents > 0) await grant(api, organizationId, cents)
  return { organizationId, ...(await addKey(api, organizationId, { scopes })) }
}

/** A job that is all right. */
export const jobRequest = (overrides: Record<string, unknown> = {}) => ({
  type: 'data_collection',
  description: 'Pictures of doors, each from the street',
  files_needed: 4,
  accepted_formats: ['image/jpeg', 'image/png'],
  price_per_file_cents: 25,
  ...overrides,
})

/** Posts one under a key of its own. */
export const postJob = (
  api: Home,
  key: string,
  overrides: Record<string, unknown> = {},
  idempotencyKey: string = randomUUID(),
) =>
  api.buy('POST', '/v1/jobs', {
    key,
    body: jobRequest(overrides),
    headers: { 'idempotency-key': idempotencyKey },
  })

/** An event of this job that is to go to the endpoint, as the webhooks' process makes it. */
export async function addEvent(
  api: Home,
  owner: { organizationId: string; environment: Environment },
  endpointId: string,
  jobId: string,
): Promise<string> {
  const context = systemContext()
  const deliveryId = newId('evt')
  const about = { stream: `firsthand.job-${jobId}`, revision: '1', createdAt: context.at, jobId }
  const told = { eventId: randomUUID(), eventType: 'job.cancelled', replayId: null, person: {}, body: null, about }
  const facts = { deliveryId, owner: { ...owner, endpointId }, ...told }
  await api.bus.handle(webhookEvent, deliveryId, { kind: 'request', facts, at: context.at }, context)
  return deliveryId
}
