/** Killatamata over its real components, with the stand-in for Stripe; every answer is held against the served document. */
import { createPrivateKey, randomUUID } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'
import { systemContext } from '../../../src/commands/context.ts'
import { deterministicId } from '../../../src/commands/identity.ts'
import { account } from '../../../src/commands/killatamata/account.ts'
import { generateApiKey } from '../../../src/commands/killatamata/keys.ts'
import { killatamata } from '../../../src/contexts/killatamata.ts'
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
import { gameFiles, zipOf } from '../../support/zips.ts'
import { conforms } from '../conforms.ts'
import { type Answered, type Asked as AskedOf, type ServingOptions, startServing } from '../serving.ts'
import { readSandbox } from './sandbox.ts'

export interface Asked extends AskedOf {
  key?: string | undefined
}

export interface Customer {
  accountId: string
  email: string
  key: string
  keyId: string
}

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
  const env: Record<string, string> = { DATA_DIR: directory.path, ...options.env }
  const served = await startServing(killatamata, api, { ...options, services, env })
  url = served.url
  await served.firstRun?.(served.url)
  // Without stand-ins it has the accounts alone.
  const sandbox = readSandbox(env.DATA_DIR ?? directory.path)
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
    ...{ ...served, parts, ask, sandbox },
    get: (path: string, key?: string) => ask('GET', `/api/v1/${path}`, { key }),
    post: (path: string, body?: unknown, key?: string, headers: Record<string, string> = {}) =>
      ask('POST', `/api/v1/${path}`, { body, key, headers }),
    /** Of the stand-ins: an address below it, asked as a person in the sandbox does. */
    async order(path: string, body: object = {}) {
      const answer = await fetch(`${sandbox.standins}${path}`, { method: 'POST', body: JSON.stringify(body) })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${text}`)
      return JSON.parse(text) as Answered['body']
    },
    /** An ID token that Google might have made; other claims stand in their place. */
    idToken: (claims: JWTPayload = {}) =>
      new SignJWT({
        ...{ iss: sandbox.google.issuer, aud: sandbox.google.client_id, sub: randomUUID(), email_verified: true },
        ...{ email: `${randomUUID()}@example.com`, exp: Math.floor(Date.now() / 1_000) + 3_600, ...claims },
      })
        .setProtectedHeader({ alg: 'RS256', kid: sandbox.google.kid })
        .sign(createPrivateKey(sandbox.google.private_key_pem)),
    /** A release of a game, uploaded as its creator does it. */
    async release(gameId: string, key: string, more: { manifest?: object; bundle?: Uint8Array } = {}) {
      const manifest = { version: '1.0.0', engine: 'godot', engineVersion: '4.4', entrypoint: 'index.html' }
      const form = new FormData()
      form.append('gameId', gameId)
      form.append('manifestJson', JSON.stringify({ ...manifest, ...more.manifest }))
      form.append('bundle', new Blob([Buffer.from(more.bundle ?? zipOf(gameFiles))]), 'game.zip')
      const answer = await fetch(`${served.url}/killatamata/api/v1/arcade/releases/upload`, {
        ...{ method: 'POST', body: form, headers: { authorization: `Bearer ${key}` } },
      })
      return (await answer.json()) as Answered['body']
    },
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
    /** Of a command that a test gives itself. */
    contextOf: (name: string) =>
      systemContext('test', deterministicId('killatamata.test', name, randomUUID()), new Date().toISOString()),
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
      directory.remove()
    },
  }
}
