/** How people and devices come in: codes by mail, Google's word, browsers' sessions, linked devices, and keys. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { account } from '../../../src/commands/killatamata/account.ts'
import { ensureSandbox } from '../../../src/processes/killatamata/sandbox.ts'
import { temporaryDirectory } from '../../support/services.ts'
import { readSandbox } from './sandbox.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

let served: ServedKillatamata
let ada: Customer
beforeAll(async () => {
  served = await startKillatamata({
    processes: ['killatamata-mail', 'killatamata-completion'],
    env: {
      ...{ SIGN_IN_PER_CLIENT_PER_MIN: '100000', EMAIL_STARTS_PER_CLIENT_PER_HOUR: '100000' },
      ...{ KILLATAMATA_LINK_INTERVAL_S: '1', X402_NETWORKS: NO_CHAIN },
    },
  })
  ada = await served.customer('ada')
}, 60_000)
afterAll(() => served.stop())

/** So that none is started. */
const NO_CHAIN = JSON.stringify([
  {
    ...{ network: 'eip155:1', rpcUrl: 'http://127.0.0.1:9', name: 'USD Coin', version: '2' },
    ...{ asset: `0x${'1'.repeat(40)}`, payTo: `0x${'2'.repeat(40)}` },
  },
])

/** The code in the last mail to this address. */
async function mailedCode(to: string): Promise<string> {
  return vi.waitFor(
    async () => {
      const answer = await fetch(`${served.sandbox.standins}/control/mail?to=${encodeURIComponent(to)}`)
      const { messages } = (await answer.json()) as { messages: { text: string }[] }
      const [code] = /\b\d{6}\b/.exec(messages[0]?.text ?? '') ?? []
      if (code === undefined) throw new Error('no mail has come')
      return code
    },
    { timeout: 10_000, interval: 20 },
  )
}
const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status).toSorted()

describe('a mailed code', () => {
  it('opens an account with a key, once: of 20 at once one has it', async () => {
    const email = 'Grace@Example.com'
    const started = await served.post('auth/email/start', { email })
    expect(started).toMatchObject({ status: 202, body: { ok: true, expiresInSeconds: 600 } })
    const code = await mailedCode('grace@example.com')
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => served.post('auth/email/verify', { email, code, keyLabel: 'laptop' })),
    )
    expect(statuses(answers)).toStrictEqual([201, ...Array(19).fill(401)])
    const { body } = answers.find(({ status }) => status === 201)!
    expect(body).toMatchObject({ ok: true, email: 'grace@example.com', label: 'laptop', createdAccount: true })
    expect(body.keyPrefix).toBe(body.apiKey.slice(0, 11))
    expect((await served.get('balance', body.apiKey)).body).toMatchObject({ usdBalance: '0.000000', currency: 'USD' })
  })

  it('signs a browser in, whose session ends where it says so', async () => {
    const email = 'browser@example.com'
    await served.post('auth/email/start', { email })
    const code = await mailedCode(email)
    const { status, headers, body } = await served.post('auth/browser/email/verify', { email, code })
    expect([status, body.session.email]).toStrictEqual([200, email])
    const set = headers.get('set-cookie') ?? ''
    expect(set).toMatch(/^kt_session=[\w-]{43}; Max-Age=604800; Path=\/killatamata; HttpOnly; SameSite=Lax$/)
    const cookie = set.split(';')[0] ?? ''
    const session = (method: string) => served.ask(method, '/api/v1/auth/browser/session', { headers: { cookie } })
    expect((await session('GET')).body).toMatchObject({ authenticated: true, csrfToken: body.csrfToken })
    const makeKey = (csrf: string) => served.post('keys', {}, undefined, { cookie, 'x-csrf-token': csrf })
    expect(await makeKey('wrong')).toMatchObject({ status: 403, body: { code: 'csrf_token_invalid' } })
    expect((await makeKey(body.csrfToken)).status).toBe(201)
    expect((await served.ask('GET', '/api/v1/balance', { headers: { cookie } })).status).toBe(401)
    expect((await session('DELETE')).body).toStrictEqual({ ok: true, authenticated: false })
    expect((await session('GET')).body).toStrictEqual({ ok: true, authenticated: false })
  })

  it('that is wrong, of nobody, or void is refused alike', async () => {
    const email = 'void@example.com'
    await served.post('auth/email/start', { email })
    const code = await mailedCode(email)
    const wrong = code === '000000' ? '000001' : '000000'
    const refused = await Promise.all([
      served.post('auth/email/verify', { email: 'nobody@example.com', code }),
      served.post('auth/email/verify', { email, code: wrong }),
    ])
    for (const each of refused) expect(each).toMatchObject({ status: 401, body: { code: 'code_invalid' } })
    for (let tries = 0; tries < 4; tries++) await served.post('auth/email/verify', { email, code: wrong })
    expect((await served.post('auth/email/verify', { email, code })).status).toBe(401)
  })

  it('is asked for five times an hour for one address', async () => {
    const email = 'often@example.com'
    const answers = []
    for (let n = 0; n < 6; n++) answers.push(await served.post('auth/email/start', { email }))
    expect(answers.map(({ status }) => status)).toStrictEqual([...Array(5).fill(202), 429])
    expect(answers.at(-1)?.headers.get('retry-after')).not.toBeNull()
  })
})

describe('Google’s word', () => {
  it('makes one key and opens one session: of 20 exchanges at once one succeeds', async () => {
    const idToken = await served.idToken()
    const answers = await Promise.all(Array.from({ length: 20 }, () => served.post('auth/google', { idToken })))
    expect(statuses(answers)).toStrictEqual([201, ...Array(19).fill(409)])
    expect((await served.post('auth/browser/google', { idToken })).status).toBe(200)
    expect(await served.post('auth/browser/google', { idToken })).toMatchObject({ body: { code: 'id_token_used' } })
  })

  it('leads to the account of the address', async () => {
    const { body } = await served.post('auth/google', { idToken: await served.idToken({ email: ada.email }) })
    expect(body).toMatchObject({ accountId: ada.accountId, createdAccount: false })
  })

  it('for others, over, or of an address that nobody has verified is refused', async () => {
    const bad = [{ aud: 'another' }, { exp: 1_000 }, { email_verified: false }, { iss: 'https://example.com' }]
    for (const claims of bad) {
      const answer = await served.post('auth/google', { idToken: await served.idToken(claims) })
      expect(answer, JSON.stringify(claims)).toMatchObject({ status: 401, body: { code: 'id_token_invalid' } })
    }
  })
})

describe('a device', () => {
  it('gets its key once: of 20 polls at once one has it', async () => {
    const { body: link } = await served.post('device/link/start', { keyLabel: 'agent' })
    expect(link).toMatchObject({ ok: true, expiresInSeconds: 600, intervalSeconds: 1 })
    expect(link.userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    const asked = () => served.get(`device/link/request?userCode=${link.userCode}`)
    expect((await asked()).body).toMatchObject({ status: 'pending', keyLabel: 'agent' })
    const approve = (key: string) =>
      served.post('device/link/approve', { userCode: link.userCode.toLowerCase().replace('-', ' ') }, key)
    expect((await approve(ada.key)).body).toMatchObject({ status: 'approved' })
    expect((await approve(ada.key)).status).toBe(200)
    const ben = await served.customer('ben')
    expect(await approve(ben.key)).toMatchObject({ status: 409, body: { code: 'device_link_decided' } })
    const poll = () => served.post('device/link/poll', { deviceCode: link.deviceCode })
    const answers = await Promise.all(Array.from({ length: 20 }, poll))
    expect(statuses(answers)).toStrictEqual([200, ...Array(19).fill(410)])
    const { body } = answers.find(({ status }) => status === 200)!
    expect(body).toMatchObject({ status: 'approved', accountId: ada.accountId, label: 'agent' })
    expect((await served.get('balance', body.apiKey)).status).toBe(200)
    expect(await poll()).toMatchObject({ status: 410, body: { code: 'device_link_consumed' } })
  })

  it('that polls too often is slowed down', async () => {
    const { body: link } = await served.post('device/link/start')
    const poll = () => served.post('device/link/poll', { deviceCode: link.deviceCode })
    expect((await poll()).body).toMatchObject({ status: 'pending', intervalSeconds: 1 })
    const early = await poll()
    expect([early.status, early.body.code, early.headers.get('retry-after')]).toStrictEqual([429, 'slow_down', '6'])
  })
})

describe('keys', () => {
  it('are listed with their use, and revoked by themselves, by id and by prefix', async () => {
    const carl = await served.customer('carl')
    const made = async (label: string) => (await served.post('keys', { label }, carl.key)).body
    const [first, second, third] = [await made('first'), await made('second'), await made('third')]
    const { body } = await served.get('keys', carl.key)
    expect(body.keys.map(({ label }: { label: string | null }) => label)).toStrictEqual([
      'third',
      'second',
      'first',
      null,
    ])
    expect(body.keys.at(-1)).toMatchObject({ current: true, status: 'active', revokedAt: null })
    const revoke = (named: object | undefined, key: string) => served.post('keys/revoke', named, key)
    expect(await revoke(undefined, first.apiKey)).toMatchObject({ status: 200, body: { keyId: first.keyId } })
    expect((await revoke({ keyId: second.keyId }, carl.key)).status).toBe(200)
    expect((await revoke({ keyId: second.keyId }, carl.key)).status).toBe(200)
    expect((await revoke({ keyPrefix: third.keyPrefix }, carl.key)).status).toBe(200)
    for (const { apiKey } of [first, second, third]) expect((await served.get('balance', apiKey)).status).toBe(401)
    expect(await revoke({ keyId: ada.keyId }, carl.key)).toMatchObject({ status: 404, body: { code: 'key_not_found' } })
    expect((await served.get('balance', ada.key)).status).toBe(200)
  })

  it('that are revoked by how they begin stay the ones that were meant', async () => {
    const eve = await served.customer('eve')
    const { apiKey, keyId, keyPrefix } = (await served.post('keys', {}, eve.key)).body
    const revoke = (headers?: Record<string, string>) => served.post('keys/revoke', { keyPrefix }, eve.key, headers)
    const first = await revoke({ 'x-idempotency-key': 'revoke-1' })
    expect(first).toMatchObject({ status: 200, body: { keyId } })
    expect((await served.get('balance', apiKey)).status).toBe(401)
    const repeat = await revoke({ 'x-idempotency-key': 'revoke-1' })
    expect([repeat.body, repeat.headers.get('idempotency-replayed')]).toStrictEqual([first.body, 'true'])
    expect((await revoke()).body).toStrictEqual(first.body)
    const none = await served.post('keys/revoke', { keyPrefix: 'kt_--' }, eve.key)
    expect(none).toMatchObject({ status: 404, body: { code: 'key_not_found' } })
  })

  it('of a session’s request are made once under its key, as those of an API key’s request', async () => {
    const fay = await served.customer('fay')
    const headers = { ...(await served.session(fay)), 'x-idempotency-key': 'key-1' }
    const make = (label: string, given: Record<string, string> = headers) =>
      served.ask('POST', '/api/v1/keys', { body: { label }, headers: given })
    const { 'x-idempotency-key': _, ...unkeyed } = headers
    expect((await make('laptop')).status).toBe(201)
    expect(await make('laptop')).toMatchObject({ status: 409, body: { code: 'secret_already_shown' } })
    expect(await make('desktop')).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } })
    const byKey = await served.post('keys', { label: 'laptop' }, fay.key, { 'x-idempotency-key': 'key-1' })
    expect(byKey).toMatchObject({ status: 409, body: { code: 'secret_already_shown' } })
    const gus = await served.session(await served.customer('gus'))
    expect((await make('laptop', { ...gus, 'x-idempotency-key': 'key-1' })).status).toBe(201)
    expect([(await make('laptop', unkeyed)).status, (await make('laptop', unkeyed)).status]).toStrictEqual([201, 201])
    expect((await served.get('keys', fay.key)).body.keys).toHaveLength(4)
  })

  it('count as bearer tokens and in x-api-key, and not where the two differ', async () => {
    const ask = (headers: Record<string, string>) => served.ask('GET', '/api/v1/balance', { headers })
    expect((await ask({ 'x-api-key': ada.key })).status).toBe(200)
    expect((await ask({ 'x-api-key': ada.key, authorization: `Bearer ${ada.key}` })).status).toBe(200)
    const other = (await served.customer('dora')).key
    for (const [bearer, own] of [
      ['kt_other', ada.key],
      [ada.key, 'kt_other'],
      [ada.key, other],
    ] as const) {
      const differing = await ask({ 'x-api-key': own, authorization: `Bearer ${bearer}` })
      expect(differing).toMatchObject({ status: 401, body: { code: 'credential_invalid' } })
      expect(differing.headers.get('www-authenticate')).toMatch(/^Bearer realm="killatamata"/)
    }
    expect((await served.post('keys', {}, 'kt_wrong')).status).toBe(401)
  })
})

describe('what needs no key', () => {
  it('says what it is compatible with, at addresses that exist', async () => {
    const { body } = await served.get('health')
    expect(body).toMatchObject({ status: 'ok', service: 'killatamata', version: { api: '0.7.0' } })
    const { manifestUrl, metadataUrl, rootUrl, entrypointUrl } = body.version.skill
    for (const url of [manifestUrl, metadataUrl, rootUrl, entrypointUrl]) expect((await fetch(url)).status).toBe(200)
  })

  it('names what has taken the place of retired routes, whatever is sent there', async () => {
    for (const [method, path] of [
      ['GET', 'credits/balance'],
      ['POST', 'credits/consume'],
    ] as const) {
      const answer = await served.ask(method, `/api/v1/${path}`)
      expect(answer).toMatchObject({ status: 410, body: { code: 'route_retired' } })
      expect(answer.headers.get('link')).toContain('rel="successor-version"')
    }
    const url = `${served.url}/killatamata/api/v1/credits/consume`
    for (const body of ['{not json', 'x'.repeat(2_000_000)]) {
      const headers = { 'content-type': 'application/json', authorization: 'Bearer kt_wrong' }
      expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(410)
    }
  })
})

it('starts again where accounts of the sandbox were forgotten, and leaves them so', async () => {
  const { account: customer, admin } = served.sandbox
  for (const { account_id: accountId } of [customer, admin]) {
    const forget = { kind: 'forget', accountId, reference: null, at: new Date().toISOString() } as const
    await served.parts.bus.handle(account, accountId, forget, served.contextOf('forget'))
  }
  await served.firstRun?.(served.url)
  for (const { account_id: accountId } of [customer, admin]) {
    expect(await served.parts.bus.load(account, accountId)).toMatchObject({ status: 'forgotten', isAdmin: false })
  }
})

it('keeps for a second process the accounts that the first one opened, each with a key of its own', async () => {
  const directory = temporaryDirectory()
  const place = { url: served.url, now: () => new Date(), facts: undefined }
  for (const _start of ['first', 'second']) await ensureSandbox(served.parts.signIn, directory.path, place)
  const kept = readSandbox(directory.path)
  expect(kept.other_account.account_id).toBe(served.sandbox.other_account.account_id)
  expect(kept.other_account.api_key).not.toBe(served.sandbox.other_account.api_key)
  for (const { other_account: other } of [kept, served.sandbox]) {
    expect((await served.get('balance', other.api_key)).status).toBe(200)
  }
  const { body } = await served.get('keys', kept.other_account.api_key)
  expect(body.keys.filter(({ label }: { label: string }) => label === 'first run')).toHaveLength(2)
  directory.remove()
})

it('no code and no key stands in the log as text', async () => {
  const { body } = await served.post('keys', { label: 'grepped' }, ada.key)
  const email = 'grep@example.com'
  await served.post('auth/email/start', { email })
  const code = await mailedCode(email)
  const said = served.logged.map((each) => JSON.stringify(each)).join('\n')
  for (const secret of [body.apiKey, ada.key, code]) expect(said).not.toContain(secret)
})
