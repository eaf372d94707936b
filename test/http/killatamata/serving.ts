/** Killatamata over its real components, with the stand-in for Stripe; every answer is held against the served document. */
import { createPrivateKey, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type JWTPayload, SignJWT } from 'jose'
import { systemContext } from '../../../src/commands/context.ts'
import { account } from '../../../src/commands/killatamata/account.ts'
import { generateApiKey } from '../../../src/commands/killatamata/keys.ts'
import { killatamata } from '../../../src/contexts/killatamata.ts'
import { coinbasePart } from '../../../src/embedded/killatamata/coinbase.ts'
import { googlePart, newGoogleKey } from '../../../src/embedded/killatamata/google.ts'
import { llmPart } from '../../../src/embedded/killatamata/llm.ts'
import { startStandInServer } from '../../../src/embedded/killatamata/server.ts'
import { openStandInStore } from '../../../src/embedded/killatamata/store.ts'
import { type StripeStandIn, startStripeStandIn } from '../../../src/embedded/stripe/server.ts'
import type { KillatamataParts } from '../../../src/http/killatamata/access.ts'
import { killatamata as api } from '../../../src/http/killatamata/api.ts'
import { beginSession } from '../../../src/http/killatamata/auth/session.ts'
import { enterByHouse, issueKey } from '../../../src/processes/killatamata/signing-in.ts'
import { listApiKeys } from '../../../src/projections/killatamata/account.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { eventually } from '../../projections/support.ts'
import { paymentStandInAt } from '../../support/payments.ts'
import { temporaryDirectory } from '../../support/services.ts'
import { conforms } from '../conforms.ts'
import { type Answered, type Asked as AskedOf, type ServingOptions, startServing } from '../serving.ts'

export interface Asked extends AskedOf {
  key?: string | undefined
}

export interface Customer {
  accountId: string
  email: string
  key: string
  keyId: string
}

const COINBASE = { apiKey: 'coinbase-example', webhookSecret: 'coinbase-webhooks-example' }
const GOOGLE_CLIENT = 'killatamata.apps.example'

export type ServedKillatamata = Awaited<ReturnType<typeof startKillatamata>>

export async function startKillatamata(options: ServingOptions = {}) {
  let url: string | undefined
  const directory = temporaryDirectory()
  let standIn: StripeStandIn | undefined
  const services = {
    async stripeStandIn(path: string) {
      standIn ??= await startStripeStandIn({ directory: directory.path, target: () => url && `${url}${path}` })
      return standIn
    },
    ...options.services,
  }
  const store = openStandInStore(join(directory.path, 'stand-ins.db'))
  const google = newGoogleKey('sandbox')
  const standIns = await startStandInServer(0, async (at) => [
    coinbasePart({ ...{ url: at, store, ...COINBASE }, target: () => `${url}/killatamata/api/v1/webhooks/crypto` }),
    googlePart(google),
    llmPart(),
  ])
  const env = {
    DATA_DIR: directory.path,
    ...{ COINBASE_API_KEY: COINBASE.apiKey, COINBASE_WEBHOOK_SECRET: COINBASE.webhookSecret },
    ...{ COINBASE_API_URL: `${standIns.url}/coinbase`, GOOGLE_JWKS_URL: `${standIns.url}/google/certs` },
    ...{ GOOGLE_CLIENT_ID: GOOGLE_CLIENT, AGENT_MODEL_URL: `${standIns.url}/llm/v1`, ...options.env },
  }
  const served = await startServing(killatamata, api, { ...options, services, env })
  url = served.url
  const parts = served.parts as KillatamataParts

  async function ask(method: string, path: string, asked: Asked = {}, at = served.url): Promise<Answered> {
    const { key, headers, ...rest } = asked
    const answer = await served.askAt(at, method, path, {
      ...rest,
      headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...headers },
    })
    const isPage = answer.headers.get('content-type')?.startsWith('text/')
    if (path.startsWith('/api/') && !isPage) conforms(method, path.split('?')[0] ?? '', answer, 'killatamata')
    return answer
  }

  return {
    ...{ ...served, parts, ask },
    get: (path: string, key?: string) => ask('GET', `/api/v1/${path}`, { key }),
    post: (path: string, body?: unknown, key?: string, headers: Record<string, string> = {}) =>
      ask('POST', `/api/v1/${path}`, { body, key, headers }),
    /** Of the stand-ins: an address below it, asked as a person in the sandbox does. */
    async order(path: string, body: object = {}) {
      const answer = await fetch(`${standIns.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${text}`)
      // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds.
      return JSON.parse(text) as any
    },
    /** An ID token that Google might have made; other claims stand in their place. */
    idToken: (claims: JWTPayload = {}) =>
      new SignJWT({
        ...{ iss: 'https://accounts.google.com', aud: GOOGLE_CLIENT, sub: randomUUID(), email_verified: true },
        ...{ email: `${randomUUID()}@example.com`, exp: Math.floor(Date.now() / 1_000) + 3_600, ...claims },
      })
        .setProtectedHeader({ alg: 'RS256', kid: google.kid })
        .sign(createPrivateKey(google.private_key_pem)),
    /** A browser that is signed in: its headers. */
    async session({ accountId, email }: Customer) {
      const context = systemContext('test', randomUUID(), new Date().toISOString())
      const browser = { header: () => undefined }
      const begun = await beginSession(parts, { accountId, email, isNew: false }, 'email', browser, context)
      return { cookie: `kt_session=${begun.cookies[0]?.value}`, 'x-csrf-token': begun.body.csrfToken }
    },
    /** The stand-in for Stripe. */
    get stripe() {
      if (!standIn) throw new Error('nobody has asked for the stand-in for Stripe')
      return paymentStandInAt(standIn)
    },
    /** An account with a key, which this process knows already. */
    async customer(name = 'ada', { isAdmin = false } = {}): Promise<Customer> {
      const at = new Date().toISOString()
      const email = `${name}-${randomUUID().slice(0, 8)}@example.com`
      const wanted = { accountId: prefixedId('acct', at, email), email }
      const context = systemContext('test', randomUUID(), at)
      const { accountId } = await enterByHouse(parts.signIn, wanted, context)
      const { apiKey: key, facts } = generateApiKey(at)
      const issuing = systemContext('test', randomUUID(), at)
      await issueKey(
        parts.signIn,
        { accountId, key: { ...facts, label: null }, source: 'sandbox', hasRoom: true },
        issuing,
      )
      const grant = { kind: 'setAdmin', accountId, isAdmin, at } as const
      await parts.bus.handle(account, accountId, grant, systemContext('test', randomUUID(), at))
      await eventually(() => {
        if (parts.credentials.find(facts.textId)?.account.is_admin !== isAdmin) throw new Error('it is not known yet')
      })
      return { accountId, email, key, keyId: facts.keyId }
    },
    /** More keys of an account, each of which was used today. */
    async furtherKeys({ accountId }: Customer, count: number) {
      const at = new Date().toISOString()
      const made = Array.from({ length: count }, () => generateApiKey(at))
      for (const { facts } of made) {
        const context = systemContext('test', randomUUID(), at)
        const key = { ...facts, label: null }
        await issueKey(parts.signIn, { accountId, key, source: 'sandbox', hasRoom: true }, context)
        parts.noteUse({ accountId, keyId: facts.keyId })
      }
      await eventually(async () => {
        const used = await listApiKeys(served.db, accountId, 10_000)
        if (used.filter(({ last_used_at }) => last_used_at !== null).length < count) throw new Error('not used yet')
      })
      return made.map(({ apiKey: key, facts: { textId, keyId } }) => ({ key, textId, keyId }))
    },
    /** Credit of an account, in micro-dollars, as if a card had paid it. */
    async credited({ accountId }: Pick<Customer, 'accountId'>, usdMicros: bigint): Promise<void> {
      const at = new Date().toISOString()
      const settlementId = randomUUID()
      const depositId = prefixedId('dep', at, settlementId)
      const deposit = { depositId, settlementId, provider: 'stripe' as const, usdMicros }
      const { position } = await parts.ledgers.credit(accountId, deposit, 1, systemContext('test', randomUUID(), at))
      if (position !== undefined) await served.waiter.waitFor(position, 10_000)
    },
    async stop() {
      await served.stop()
      await standIn?.close()
      await standIns.close()
      store.close()
      directory.remove()
    },
  }
}
