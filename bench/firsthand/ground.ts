/** What the measurements of firsthand stand on: buyers with keys and credits, and a way of commands to an instance's log. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { generateApiKey } from '../../src/commands/firsthand/api-key.ts'
import { organization } from '../../src/commands/firsthand/organization.ts'
import { wallet, walletIdOf } from '../../src/commands/firsthand/wallet.ts'
import { type CommandBus, type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import { type Environment, scope } from '../../src/events/firsthand/vocabulary.ts'
import { createEventStore } from '../../src/events/store.ts'
import { prefixedId } from '../../src/runtime/ulid.ts'
import { registry } from '../../test/support/contexts.ts'
import { type BenchInstance, call } from '../instance.ts'
import type { Measurement, Round } from '../measure.ts'

/** The sandbox organization of the instance. */
export interface Sandbox {
  url: string
  organization_id: string
  live_key: string
  test_key: string
}
export const sandboxOf = ({ directory }: BenchInstance): Sandbox =>
  JSON.parse(readFileSync(join(directory, 'sandbox-firsthand.json'), 'utf8'))

const DEADLINE_MS = 10_000
const AGGREGATES_MAX = 2_000
const COMMANDS_MAX = 1_000_000
const ATTEMPTS_MAX = 3

/** Commands of another process than the instance's. */
export function openCommands({ eventStoreUrl: url }: Pick<BenchInstance, 'eventStoreUrl'>) {
  const store = createEventStore({ url, registry, deadlineMs: DEADLINE_MS, appendAttemptsMax: ATTEMPTS_MAX })
  const limits = { cachedAggregatesMax: AGGREGATES_MAX, seenCommandsMax: COMMANDS_MAX }
  const bus = createCommandBus(store, { ...limits, conflictRetriesMax: ATTEMPTS_MAX })
  return { bus, close: () => store.close() }
}

/** Of a command that is sent once. */
export function newContext(): CommandContext {
  const commandId = randomUUID()
  return {
    ...{ commandId, fingerprint: undefined, requestId: commandId, correlationId: commandId, traceparent: undefined },
    ...{ actor: { kind: 'system', id: 'bench' }, at: new Date().toISOString() },
  }
}

export interface Buyer {
  organizationId: string
  key: string
}

const CREDITS_CENTS = 1_000_000_000n

/** Organizations without limits, with a key and more credits than they spend. Resolves when the instance takes the keys. */
export async function makeBuyers(
  instance: BenchInstance,
  bus: CommandBus,
  count: number,
  environment: Environment = 'live',
): Promise<Buyer[]> {
  const buyers = await Promise.all(Array.from({ length: count }, () => makeBuyer(bus, environment)))
  for (const { key } of buyers) {
    // Until the key is known the answer is 401. The balance itself is shown by read models, which may not run.
    while ((await statusOf(`${instance.url}/firsthand/v1/billing/credits`, key)) === 401) await delay(10)
  }
  return buyers
}

async function makeBuyer(bus: CommandBus, environment: Environment): Promise<Buyer> {
  const { at } = newContext()
  const { secret, ...kept } = generateApiKey(environment)
  const organizationId = prefixedId('org', at, secret)
  const facts = { organizationId, name: 'Bench', tier: 'unlimited' as const }
  await bus.handle(organization, organizationId, { kind: 'create', facts, at }, newContext())
  const key = { ...kept, keyId: prefixedId('key', at, secret), name: 'bench', scopes: [...scope.options] }
  const made = { ...key, environment, expiresAt: null }
  await bus.handle(
    organization,
    organizationId,
    { kind: 'createKey', key: made, by: null, keysMax: 1, at },
    newContext(),
  )
  const of = { organizationId, environment }
  const grant = { kind: 'grant', wallet: of, credits: 'free_tier', amountCents: CREDITS_CENTS } as const
  await bus.handle(wallet, walletIdOf(of), { ...grant, endsAt: null, reason: null, at }, newContext())
  return { organizationId, key: secret }
}

async function statusOf(url: string, key: string): Promise<number> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
  await answer.arrayBuffer()
  return answer.status
}

export const jobRequest = (files_needed = 1, format = 'image/png') => ({
  ...{ type: 'data_collection', description: 'Pictures for a benchmark, each another one' },
  ...{ files_needed, accepted_formats: [format], price_per_file_cents: 1 },
})

/** Posts a job; answers its id. */
export async function postJob({ url }: BenchInstance, apiKey: string, body: object): Promise<string> {
  const headers = { 'idempotency-key': randomUUID() }
  const posted = await call('POST', `${url}/firsthand/v1/jobs`, { apiKey, body, headers, expect: [201] })
  return JSON.parse(posted).id
}

/**
 * What a piece of work takes of processors: of the instance with what it has started, and of whoever asks it. Where roles are
 * apart, the event store and Postgres are on the side of who asks.
 */
export function processorTimes(instance: BenchInstance) {
  const sums = { pieces: 0, instanceMs: 0, askerMs: 0 }
  const askerMs = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  }
  return {
    /** Counts a round. */
    async of(round: () => Promise<Round>): Promise<Round> {
      const before = [instance.processorMs(), askerMs()] as const
      const measured = await round()
      sums.pieces += measured.latenciesMs.length
      sums.instanceMs += instance.processorMs() - before[0]
      sums.askerMs += askerMs() - before[1]
      return measured
    },
    rows(what: string): Measurement[] {
      const sides: [side: string, totalMs: number][] = [
        ['instance', sums.instanceMs],
        ['asker', sums.askerMs],
      ]
      return sides.map(([side, totalMs]) => {
        const value = totalMs / Math.max(1, sums.pieces)
        const ours = { median: value, minimum: value, maximum: value }
        return { name: `${what}: processor time of the ${side}, ms`, ours }
      })
    },
  }
}
