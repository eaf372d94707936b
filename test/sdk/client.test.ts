/** The typed client against a whole instance: what it sends again and what not, keys, positions, lists, commands, refusals. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import {
  ApiProblem,
  type ClientOptions,
  createClient,
  idempotencyKey,
  paginate,
  problemOf,
  triesOf,
  unwrap,
} from '@opslog/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/source.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
const servers: Server[] = []
beforeAll(async () => {
  stack = await startStack()
})
afterAll(async () => {
  for (const server of servers) server.close()
  await stack.close()
})

const noctant = (url = stack.url, options: Partial<Omit<ClientOptions<'noctant'>, 'context'>> = {}) =>
  createClient({ url, key: stack.apiKey, ...options, context: 'noctant' })

const account = (externalId: string, userId: string) => ({
  external_account_id: externalId,
  global_user_id: userId,
  currency: 'USD',
  initial_balance: '1000.00',
  execution_profile_key: 'standard',
  provider_type: 'prop_firm' as const,
  rules_owner: 'partner' as const,
  feed_source: 'noctant' as const,
  branding_policy: 'co_brand' as const,
  visibility_policy: 'same_sponsor_only' as const,
  claim_allowed: false,
  marketing_allowed: false,
})

/** What the instance has kept for whoever tries a context out. */
const sandbox = (context: string) =>
  JSON.parse(readFileSync(join(dirname(stack.logFile), `sandbox-${context}.json`), 'utf8'))

async function opened(externalId: string) {
  const client = noctant()
  const user = await unwrap(client.POST('/v1/users', { body: { external_id: `user-of-${externalId}` } }))
  await unwrap(client.POST('/v1/accounts', { body: account(externalId, user.global_user_id) }))
  return client
}

interface Passed {
  method: string
  path: string
  headers: Record<string, string>
  body: string
}
type Meddling = 'drop' | 'cut' | { status: number; headers?: Record<string, string> } | undefined

/** The API behind a proxy that notes what comes by, and drops, cuts or replaces answers. */
async function proxied(meddle: (sends: number) => Meddling): Promise<{ url: string; passed: Passed[] }> {
  const passed: Passed[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { host: _, connection: __, ...sent } = request.headers
    const headers = Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, String(value)]))
    const { method = '', url = '' } = request
    passed.push({ method, path: url, headers, body: Buffer.concat(chunks).toString() })
    const meddling = meddle(passed.length)
    if (typeof meddling === 'object') return void response.writeHead(meddling.status, meddling.headers).end()
    const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}
    const answer = await fetch(`${stack.url}${url}`, { method, headers, ...body })
    const text = await answer.text()
    if (meddling === 'drop') return void response.destroy()
    const { 'content-encoding': ___, ...given } = Object.fromEntries(answer.headers)
    response.writeHead(answer.status, given)
    if (meddling !== 'cut') return void response.end(text)
    response.write(text.slice(0, 5), () => response.destroy())
  })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, passed }
}

describe('a call', () => {
  it('is answered with what the document says, typed', async () => {
    const { data, error, response } = await noctant().GET('/v1/me')
    expect([response.status, error, data?.operator.environment]).toEqual([200, undefined, 'sandbox'])
  })

  it('is refused with a problem, whose code is one of the operation’s', async () => {
    const params = { query: { external_account_id: 'nobody' } }
    const answer = await noctant().GET('/v1/accounts/by-external-id', { params })
    const problem = problemOf(answer)
    expect(problem).toBeInstanceOf(ApiProblem)
    expect(problem).toMatchObject({ status: 404, code: 'account_not_found', help: '/docs/problems/account_not_found' })
    expect(problem?.requestId).toMatch(/^[0-9a-f-]{36}$/)
    // @ts-expect-error reading an account is never refused so
    expect(problem?.code === 'kyc_required').toBe(false)
  })

  it('rejects with the problem where it is unwrapped, and names the members at fault', async () => {
    const body = { external_id: '', email: 'x' }
    const refused = unwrap(noctant().POST('/v1/users', { body }))
    await expect(refused).rejects.toMatchObject({ name: 'ApiProblem', code: 'validation_failed' })
    const { errors } = (await refused.catch((error: unknown) => error)) as ApiProblem
    expect(errors.map(({ pointer }) => pointer)).toContain('/external_id')
  })

  it('has the key that is current when it is sent', async () => {
    const keys = ['nct_sandbox_wrong', stack.apiKey]
    const client = noctant(stack.url, { key: () => keys.shift() })
    expect((await client.GET('/v1/me')).response.status).toBe(401)
    expect((await client.GET('/v1/me')).response.status).toBe(200)
  })
})

describe('a caller of ostium', () => {
  const address = '0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21'
  const headers = { 'x-trader-address': address }

  it('is refused with a code and with what is wrong by its path, as everywhere', async () => {
    const client = createClient({ url: stack.url, context: 'ostium', headers })
    const open = { a: 0, b: true, t: 'market' as const, p: 'high', s: '5', l: '1' }
    const problem = problemOf(await client.POST('/v1/exchange/open', { body: { open } }))
    expect(problem).toMatchObject({ status: 400, code: 'VALIDATION_ERROR' })
    expect(problem?.errors).toEqual([{ pointer: 'open.p', detail: expect.any(String) }])
    expect(problem?.message).toMatch(/^[A-Z/]/)
    // @ts-expect-error building a transaction is never refused so
    expect(problem?.code === 'UPGRADE_REQUIRED').toBe(false)
  })

  it('has an agent’s key where ostium looks for it', async () => {
    const { url, passed } = await proxied(() => undefined)
    const client = createClient({ url, key: 'bsvc_nobody', context: 'ostium', headers })
    const problem = problemOf(await client.POST('/v1/auth/verify-auth'))
    expect(problem).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
    expect(passed[0]?.headers).toMatchObject({ 'x-api-key': 'bsvc_nobody', 'x-trader-address': address })
    expect(passed[0]?.headers).not.toHaveProperty('authorization')
  })
})

describe('what is sent again', () => {
  it('is a read after a lost answer, half an answer, 503 and 429, as the instance asks', async () => {
    const faults: Meddling[] = ['drop', 'cut', { status: 429, headers: { 'retry-after': '0' } }]
    const { url, passed } = await proxied((sends) => faults[sends - 1])
    const { response } = await noctant(url).GET('/v1/me')
    expect([response.status, triesOf(response), passed.length]).toEqual([200, 4, 4])
  })

  it('is a command, under one key that the client has made', async () => {
    await opened('kept-key')
    const { url, passed } = await proxied((sends) => (sends === 1 ? 'drop' : undefined))
    const params = { query: { external_account_id: 'kept-key' } }
    const closed = await noctant(url).POST('/v1/accounts/by-external-id/close-all', { params, body: {} })
    expect([closed.response.status, closed.response.headers.get('idempotency-replayed')]).toEqual([202, 'true'])
    const keys = passed.map(({ body }) => JSON.parse(body).idempotency_key)
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), keys[0]])
  })

  it('is under the caller’s key where one is given', async () => {
    await opened('own-key')
    const { url, passed } = await proxied(() => undefined)
    const body = { idempotency_key: idempotencyKey() }
    const params = { query: { external_account_id: 'own-key' } }
    await unwrap(noctant(url).POST('/v1/accounts/by-external-id/close-all', { params, body }))
    expect(JSON.parse(passed[0]!.body)).toEqual(body)
  })

  it('is known by what it is about where there is no key', async () => {
    const { url } = await proxied((sends) => (sends === 1 ? 'drop' : undefined))
    const { data, response } = await noctant(url).POST('/v1/users', { body: { external_id: 'twice' } })
    expect([response.status, data?.created, triesOf(response)]).toEqual([200, false, 2])
  })

  it('is whatever was asked for too often, since that has had no effect', async () => {
    const operator = await stack.addOperator()
    const tooOften = { status: 429, headers: { 'retry-after': '0' } }
    const { url, passed } = await proxied((sends) => (sends === 1 ? tooOften : undefined))
    const { response } = await noctant(url, { key: operator.apiKey }).POST('/v1/me/rotate-api-key')
    expect([response.status, triesOf(response), passed.length]).toEqual([200, 2, 2])
  })

  it('is nothing that would have another effect', async () => {
    const operator = await stack.addOperator()
    const { url, passed } = await proxied(() => ({ status: 503 }))
    const { response } = await noctant(url, { key: operator.apiKey }).POST('/v1/me/rotate-api-key')
    expect([response.status, passed.length]).toEqual([503, 1])
  })

  it('ends at the bounds, with the last answer', async () => {
    const { url, passed } = await proxied(() => ({ status: 503 }))
    const retries: number[] = []
    const retry = { firstWaitMsMax: 2 }
    const { response } = await noctant(url, { retry, onRetry: ({ tries }) => retries.push(tries) }).GET('/v1/me')
    expect([response.status, passed.length, retries]).toEqual([503, 4, [1, 2, 3]])
    const late = await proxied(() => ({ status: 429, headers: { 'retry-after': '31' } }))
    expect((await noctant(late.url).GET('/v1/me')).response.status).toBe(429)
    expect(late.passed).toHaveLength(1)
  })

  it('is not sent where the caller has given up', async () => {
    const { url, passed } = await proxied(() => ({ status: 503, headers: { 'retry-after': '20' } }))
    const caller = new AbortController()
    const waiting = noctant(url, { onRetry: () => caller.abort(new Error('enough')) })
    await expect(waiting.GET('/v1/me', { signal: caller.signal })).rejects.toThrow('enough')
    expect(passed).toHaveLength(1)
    await expect(waiting.GET('/v1/me', { signal: AbortSignal.abort() })).rejects.toThrow()
    expect(passed).toHaveLength(1)
  })

  it('is one that takes too long', async () => {
    const server = createServer(() => undefined)
    servers.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    let sends = 0
    const retry = { tryMsMax: 20, triesMax: 2, firstWaitMsMax: 1 }
    const client = noctant(url, { retry, onRetry: () => void sends++ })
    await expect(client.GET('/v1/me')).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(sends).toBe(1)
    server.closeAllConnections()
  })
})

describe('reads', () => {
  it('name the position of the client’s last write, and no other client’s', async () => {
    const { url, passed } = await proxied(() => undefined)
    const [one, other] = [noctant(url), noctant(url)]
    await unwrap(one.POST('/v1/users', { body: { external_id: 'positioned' } }))
    const { position } = one
    expect(position).toMatch(/^[\w-]{22}$/)
    await unwrap(one.GET('/v1/me'))
    await unwrap(other.GET('/v1/me'))
    expect(passed.map(({ headers }) => headers['x-opslog-position'])).toEqual([undefined, position, undefined])
  })
})

describe('lists', () => {
  it('are told to their end, whatever the size of a page', async () => {
    const operator = await stack.addOperator()
    const { url, passed } = await proxied(() => undefined)
    const client = noctant(url, { key: operator.apiKey })
    const user = await unwrap(client.POST('/v1/users', { body: { external_id: 'lists' } }))
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) await unwrap(client.POST('/v1/accounts', { body: account(name, user.global_user_id) }))
    passed.length = 0
    const listed: string[] = []
    for await (const each of client.paginate('/v1/accounts', { params: { query: { limit: 2 } } }))
      listed.push(each.external_account_id ?? '')
    expect(listed).toEqual(names.toReversed())
    expect(passed).toHaveLength(3)
    expect(await Array.fromAsync(paginate(client, '/v1/accounts'))).toHaveLength(5)
  })

  it('of firsthand go by one text', async () => {
    const key = sandbox('firsthand').test_key
    const client = createClient({ url: stack.url, key, context: 'firsthand' })
    for (const description of ['one', 'two', 'three']) {
      const body = { url: `https://example.com/${description}`, description }
      await unwrap(client.POST('/v1/webhook_endpoints', { body }))
    }
    const listed: string[] = []
    for await (const each of client.paginate('/v1/webhook_endpoints', { params: { query: { limit: 1 } } }))
      listed.push(each.url)
    expect(listed.toSorted()).toEqual(['one', 'three', 'two'].map((name) => `https://example.com/${name}`))
  })

  it('of rungate go by how many were seen', async () => {
    const rows = [1, 2, 3, 4, 5].map((each) => ({ id: String(each) }))
    const asked: string[] = []
    const fetched = async (request: Request) => {
      const { searchParams, search } = new URL(request.url)
      asked.push(search)
      const offset = Number(searchParams.get('offset'))
      return Response.json({ data: rows.slice(offset, offset + 2), total: rows.length })
    }
    const client = createClient({ url: 'http://localhost', context: 'rungate', fetch: fetched })
    const listed = await Array.fromAsync(client.paginate('/api/runs', { params: { query: { limit: 2 } } }))
    expect(listed).toEqual(rows)
    expect(asked).toEqual(['?limit=2', '?limit=2&offset=2', '?limit=2&offset=4'])
  })

  it('end with a refusal where a page is refused', async () => {
    const list = noctant().paginate('/v1/accounts', { params: { query: { limit: 0 } } })
    await expect(Array.fromAsync(list)).rejects.toMatchObject({ name: 'ApiProblem', status: 400 })
  })
})

describe('a command to the engine', () => {
  it('is waited for until the engine has said what came of it', async () => {
    const client = await opened('waited-for')
    const params = { query: { external_account_id: 'waited-for' } }
    const closing = client.POST('/v1/accounts/by-external-id/close-all', { params, body: { reason: 'to wait for' } })
    const command = await client.waitForCommand('waited-for', (await unwrap(closing)).command_id)
    // There was nothing to close.
    expect(command).toMatchObject({ status: 'engine_wal_confirmed', engine_command_outcome: 'ignored' })
  })

  it('is waited for no longer than the caller wants', async () => {
    const client = await opened('not-sent')
    const never = ['not-sent', '00000000-0000-4000-8000-000000000000'] as const
    await expect(client.waitForCommand(...never, { timeoutMs: 30, intervalMs: 5 })).rejects.toThrow(/timeout/i)
    const signal = AbortSignal.abort(new Error('not any more'))
    await expect(client.waitForCommand(...never, { signal })).rejects.toThrow('not any more')
  })
})

describe('the README', () => {
  const readme = readFileSync(join(root, 'sdk', 'README.md'), 'utf8')
  const examples = [...readme.matchAll(/```js\n(.*?context: '(\w+)'.*?)```/gs)].map(([, code = '', context = '']) => {
    return { code, context }
  })
  /** What each says of an instance that nobody has used before. */
  const said: Record<string, RegExp> = {
    noctant: /^/,
    ostium: /^0x\w{40} 0x\w{840}\n$/,
    killatamata: /^credit has to be bought first\nasset_\w{26}\n$/,
  }

  it('shows the client at work with three contexts', () => {
    expect(examples.map(({ context }) => context)).toEqual(Object.keys(said))
  })

  it.each(examples)('is right about $context', async ({ code, context }) => {
    const key = context === 'killatamata' ? sandbox(context).account.api_key : stack.apiKey
    const script = code.replaceAll('http://127.0.0.1:8080', stack.url)
    const asked = { cwd: root, env: { ...process.env, KEY: key } }
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], asked)
    expect((await run).stdout).toMatch(said[context] ?? '')
  })
})
