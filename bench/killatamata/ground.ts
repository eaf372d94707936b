/** What the measurements of killatamata stand on: customers with keys and credit, and commands beside an instance's own. */
import { createPrivateKey, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { systemContext } from '../../src/commands/context.ts'
import { type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import { holdIdOf, mediaJobIdOf } from '../../src/commands/killatamata/ids.ts'
import { createLedgers, type Ledgers } from '../../src/commands/killatamata/ledgers.ts'
import { type GoogleKey, googlePart, newGoogleKey } from '../../src/embedded/killatamata/google.ts'
import { createEventStore } from '../../src/events/store.ts'
import { killatamataSettings } from '../../src/processes/killatamata/settings.ts'
import { prefixedId } from '../../src/runtime/ulid.ts'
import { registry } from '../../test/support/contexts.ts'
import { type BenchInstance, call } from '../instance.ts'

/** As an instance has it by default. */
export const PERIOD_EVENTS_MAX = killatamataSettings.shape.LEDGER_PERIOD_EVENTS_MAX.parse(undefined)
const DEADLINE_MS = 10_000
const AGGREGATES_MAX = 10_000
const COMMANDS_MAX = 1_000_000
const ATTEMPTS_MAX = 3

/** Of a command that is sent once. */
export const newContext = (): CommandContext => systemContext('bench', randomUUID(), new Date().toISOString())

/** Ledgers in another process than the instance's, over a bus of their own. */
export function openLedgers({ eventStoreUrl: url }: Pick<BenchInstance, 'eventStoreUrl'>) {
  const store = createEventStore({ url, registry, deadlineMs: DEADLINE_MS, appendAttemptsMax: ATTEMPTS_MAX })
  const limits = { cachedAggregatesMax: AGGREGATES_MAX, seenCommandsMax: COMMANDS_MAX }
  const bus = createCommandBus(store, { ...limits, conflictRetriesMax: ATTEMPTS_MAX })
  return { ledgers: createLedgers(bus, { periodEventsMax: PERIOD_EVENTS_MAX }), close: () => store.close() }
}

export function newAccountId(): string {
  const name = randomUUID()
  return prefixedId('acct', new Date().toISOString(), name)
}

/** More than a benchmark spends. */
export const CREDIT_MICROS = 1_000_000_000_000n

/** As if it had been paid. */
export async function credit(ledgers: Ledgers, accountId: string, usdMicros = CREDIT_MICROS): Promise<void> {
  const [settlementId, context] = [randomUUID(), newContext()]
  const depositId = prefixedId('dep', context.at, settlementId)
  await ledgers.credit(accountId, { depositId, settlementId, provider: 'stripe', usdMicros }, 1, context)
}

export function newHold(usdMicros: bigint, { at }: Pick<CommandContext, 'at'>) {
  const requestId = randomUUID()
  return { holdId: holdIdOf(requestId), jobId: mediaJobIdOf(at, requestId), usdMicros }
}

/** Who vouches for people, as Google does. */
export interface Google extends GoogleKey {
  issuer: string
  client_id: string
}

/** For an instance without stand-ins: its settings, and whom it believes. */
export async function startGoogle() {
  const google: Google = { ...newGoogleKey('bench'), issuer: 'https://accounts.google.com', client_id: 'bench' }
  const certs = googlePart(google).routes['/google/certs']
  const server = createServer(async (_, response) => {
    const answer = await certs?.({} as never)
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer?.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const keysUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/google/certs`
  return {
    google,
    environment: { GOOGLE_CLIENT_ID: google.client_id, GOOGLE_JWKS_URL: keysUrl },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface Customer {
  accountId: string
  apiKey: string
}

const TOKEN_LIFE_S = 600
const KNOWN_MAX_MS = 10_000
const LOOK_INTERVAL_MS = 10

export const apiOf = ({ url }: Pick<BenchInstance, 'url'>): string => `${url}/killatamata/api/v1`

/** A person who signs in with Google. Resolves when the instance takes the key. */
export async function newCustomer(instance: Pick<BenchInstance, 'url'>, google: Google): Promise<Customer> {
  const email = `${randomUUID()}@example.com`
  const idToken = await new SignJWT({
    iss: google.issuer,
    aud: google.client_id,
    sub: email,
    email_verified: true,
    email,
  })
    .setProtectedHeader({ alg: 'RS256', kid: google.kid })
    .setExpirationTime(Math.floor(Date.now() / 1_000) + TOKEN_LIFE_S)
    .sign(createPrivateKey(google.private_key_pem))
  const api = apiOf(instance)
  const body = { idToken }
  const { accountId, apiKey } = JSON.parse(await call('POST', `${api}/auth/google`, { body, expect: [201] }))
  const givenUpMs = performance.now() + KNOWN_MAX_MS
  const isKnown = () =>
    call('GET', `${api}/balance`, { apiKey, expect: [200, 401] }).then((text) => 'ok' in JSON.parse(text))
  while (!(await isKnown())) {
    if (performance.now() > givenUpMs) throw new Error('a new key is not taken')
    await delay(LOOK_INTERVAL_MS)
  }
  return { accountId, apiKey }
}

/** One after the other, as their mails are. */
export async function newCustomers(instance: BenchInstance, google: Google, count: number): Promise<Customer[]> {
  const made: Customer[] = []
  for (let n = 0; n < count; n++) made.push(await newCustomer(instance, google))
  return made
}

/** A settings' worth of limits that a benchmark does not run into. */
export const UNLIMITED = { ACCOUNT_REQUESTS_PER_MIN: '1000000000', SIGN_IN_PER_CLIENT_PER_MIN: '1000000000' }
