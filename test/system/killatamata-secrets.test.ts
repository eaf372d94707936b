/**
 * What is shown once lies nowhere: a whole instance with everything of its own in one data directory (log, read models, logs of
 * programs, stand-ins) is signed in to in every way, is sent secrets in wrong places, and is ended. Then each key, code and token that
 * it has made is looked for in every byte of every file.
 *
 * Seen to fail with a key's text in the place of a label that it lacks, and with the URL in the line that each request logs.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createPrivateKey, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { readSandbox, type SandboxFile } from '../http/killatamata/sandbox.ts'
import { startMailServer } from '../support/mail-server.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

const directory = temporaryDirectory()
const dataDirectory = join(directory.path, 'data')
const mails = await startMailServer()
/** A machine that is busy with other tests takes its time: a database is made first. */
const START_MAX_MS = 240_000
let running: ChildProcess | undefined
let said = ''

let sandbox: SandboxFile

beforeAll(async () => {
  const own = { PORT: '0', DATA_DIR: dataDirectory, NATS_SERVER: 'off', CONTEXTS: 'killatamata', SMTP_URL: mails.url }
  running = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
    cwd: root,
    env: { ...programEnvironment(), ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [running.stdout, running.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const isUp = () => expect(said).toContain('Ctrl-C stops everything')
  await vi.waitFor(isUp, { timeout: START_MAX_MS, interval: 100 })
  sandbox = readSandbox(dataDirectory)
}, START_MAX_MS)

async function end(): Promise<void> {
  if (running?.exitCode !== null || running.signalCode !== null) return
  running.kill('SIGTERM')
  await once(running, 'exit')
}
afterAll(async () => {
  await end()
  await mails.close()
  directory.remove()
})

/** What it is → the secret itself. */
const made = new Map<string, string>()

async function call(method: string, path: string, { key, body, ...headers }: Record<string, unknown> = {}) {
  const answer = await fetch(`${sandbox.url}/api/v1/${path}`, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(headers as Record<string, string>),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, string> }
}

async function done(asked: ReturnType<typeof call>, status: number) {
  const answer = await asked
  expect([answer.status, answer.body.code]).toStrictEqual([status, undefined])
  return answer
}

const idToken = () => {
  const { issuer, client_id, kid, private_key_pem } = sandbox.google
  return new SignJWT({ email: `${randomUUID()}@example.com`, email_verified: true, sub: randomUUID() })
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(issuer)
    .setAudience(client_id)
    .setExpirationTime('5m')
    .sign(createPrivateKey(private_key_pem))
}

async function mailedCode(email: string): Promise<string> {
  await done(call('POST', 'auth/email/start', { body: { email } }), 202)
  return vi.waitFor(
    () => {
      const source = mails.taken.find(({ to }) => to.includes(email))?.source ?? ''
      const [, code] = /code to sign in is (\d{6})/.exec(source) ?? []
      if (code === undefined) throw new Error('the mail is on its way')
      return code
    },
    { timeout: 20_000, interval: 50 },
  )
}

let accountId: string
const LABEL = `label-${randomUUID()}`

it('makes keys, codes and tokens in every way, and is sent them in wrong places', { timeout: 60_000 }, async () => {
  const [email, other] = [`${randomUUID()}@example.com`, `${randomUUID()}@example.com`]
  const code = await mailedCode(email)
  made.set('a mailed code', code)
  const entered = (await done(call('POST', 'auth/email/verify', { body: { email, code } }), 201)).body
  const key = String(entered.apiKey)
  accountId = String(entered.accountId)
  made.set('the key of a mailed code', key)
  // Of which nothing is made.
  made.set('a mailed code that nobody used', await mailedCode(other))

  const token = await idToken()
  made.set('an ID token', token)
  made.set(
    'the key of an ID token',
    String((await done(call('POST', 'auth/google', { body: { idToken: token } }), 201)).body.apiKey),
  )
  const session = await done(call('POST', 'auth/browser/google', { body: { idToken: await idToken() } }), 200)
  const cookie = /kt_session=([^;]+)/.exec(session.headers.get('set-cookie') ?? '')?.[1] ?? ''
  made.set('a session’s cookie', cookie)
  made.set('a session’s CSRF token', String(session.body.csrfToken))
  const csrf = { cookie: `kt_session=${cookie}`, 'x-csrf-token': String(session.body.csrfToken) }
  made.set('the key of a session', String((await done(call('POST', 'keys', csrf), 201)).body.apiKey))
  const keyed = { key, body: { label: LABEL }, 'x-idempotency-key': randomUUID() }
  made.set('a further key', String((await done(call('POST', 'keys', keyed), 201)).body.apiKey))

  const link = (await done(call('POST', 'device/link/start'), 201)).body
  made.set('a device code', String(link.deviceCode))
  await done(call('POST', 'device/link/approve', { key, body: { userCode: link.userCode } }), 200)
  const polled = await done(call('POST', 'device/link/poll', { body: { deviceCode: link.deviceCode } }), 200)
  made.set('the key of a device', String(polled.body.apiKey))

  // In the query, in the path, in bodies and headers where they are nothing, and not quite right.
  await call('GET', `balance?key=${key}`, { key })
  await call('GET', `nothing/${key}`)
  await call('GET', `media/jobs?jobId=${key}`, { key })
  await call('POST', 'checkout/stripe', { key, body: { packageCode: key, other: key } })
  await call('POST', 'arcade/games', { key, body: { slug: key, title: key } })
  await call('POST', 'auth/email/verify', { body: { email: key, code: key } })
  await call('POST', 'keys/revoke', { key, body: { keyId: key } })
  await call('GET', 'balance', { key: `${key}x` })
  await call('GET', 'balance', { key, 'x-api-key': made.get('the key of a device') })
  await call('GET', 'balance', { key, 'x-request-id': key, traceparent: key })
  await call('POST', 'device/link/poll', { body: { deviceCode: `${link.deviceCode}x` } })
  await call('GET', `device/link/request?userCode=${link.deviceCode}`)
  expect([...made.values()].every((secret) => secret.length >= 6)).toBe(true)
})

/** As what it may stand: six digits alone are in many numbers. */
const textsOf = (secret: string): string[] =>
  /^\d{6}$/.test(secret) ? [`"${secret}"`, ` ${secret}`, `>${secret}<`, `\u000f${secret}`] : [secret]

it('and ends without one of them in any file', { timeout: 60_000 }, async () => {
  await end()
  const files = readdirSync(dataDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const contents = files.map((path) => [relative(dataDirectory, path), readFileSync(path)] as const)
  const filesWith = (text: string) => contents.filter(([, bytes]) => bytes.includes(text)).map(([path]) => path)
  // What is no secret is found in each of them, so that a secret would be.
  const placesOf = (text: string) => [...new Set(filesWith(text).map((path) => path.split('/')[0]))].sort()
  expect(placesOf(LABEL)).toStrictEqual(['eventstore', 'postgres'])
  expect(placesOf(accountId)).toStrictEqual(['eventstore', 'opslog.log', 'postgres'])
  const found = [...made].flatMap(([name, secret]) =>
    textsOf(secret).flatMap((text) => filesWith(text).map((path) => `${name} in ${path}`)),
  )
  expect(found).toStrictEqual([])
  expect([...made].filter(([, secret]) => textsOf(secret).some((text) => said.includes(text)))).toStrictEqual([])
})
