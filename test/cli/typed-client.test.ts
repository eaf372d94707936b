/** The client of demos: it follows an instance that moves, and says in one sentence that there is none. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import type { Target } from '../../src/cli/demo/client.ts'
import { createTypedClient, sendNow, statusOf } from '../../src/cli/demo/typed-client.ts'
import { CliError, EXIT } from '../../src/cli/terminal.ts'

const servers: Server[] = []
afterAll(() => {
  for (const server of servers) server.close()
})

interface Heard {
  path: string | undefined
  key: string | undefined
  authorization: string | undefined
  /** As a context takes it that has no bearer tokens. */
  own?: string
  /** Of the body, where it is told. */
  length?: string
}

/** Answers with the status, and tells what it has heard. Whoever came too often has to wait for an hour. */
async function instance(status: number | 'none', body: object = {}) {
  const heard: Heard[] = []
  const server = createServer(({ url: path, headers }, response) => {
    const { authorization, 'idempotency-key': key, 'x-api-key': own, 'content-length': length } = headers
    const told = { ...(own !== undefined && { own: String(own) }), ...(length && { length }) }
    heard.push({ path, key: key as string | undefined, authorization, ...told })
    if (status === 'none') return void response.destroy()
    const wait = status === 429 ? { 'retry-after': '3600' } : {}
    response.writeHead(status, { 'content-type': 'application/json', ...wait }).end(JSON.stringify(body))
  })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/firsthand` }
}

const limits = { requestTimeoutMs: 5_000, unreachableMaxMs: 5_000, retryIntervalMs: 1 }
const job = {
  ...{ type: 'data_collection' as const, description: 'Drawings', files_needed: 1, price_per_file_cents: 25 },
  accepted_formats: ['image/png' as const],
}

describe('the client of demos', () => {
  it('sends again, under the same key, to where the instance is then', async () => {
    const [gone, back] = [await instance('none'), await instance(201, { id: 'job_1' })]
    const targets = [gone.url, back.url]
    const client = createTypedClient('firsthand', () => ({ url: targets.shift() ?? back.url, token: 'k' }), limits)
    const posted = await client.POST('/v1/jobs', { body: job })
    expect([statusOf(posted), posted.data?.id]).toStrictEqual(['201', 'job_1'])
    expect(back.heard).toStrictEqual(gone.heard)
    expect(back.heard).toStrictEqual([
      {
        ...{ path: '/firsthand/v1/jobs', key: expect.stringMatching(/^[0-9a-f-]{36}$/), authorization: 'Bearer k' },
        length: String(JSON.stringify(job).length),
      },
    ])
  })

  it('waits for an instance that is not there yet', async () => {
    const { url } = await instance(200, { balance_cents: 7 })
    let asked = 0
    const target = (): Target => {
      asked += 1
      if (asked < 3) throw new CliError(EXIT.unreachable, 'no instance runs')
      return { url, token: 'k' }
    }
    const client = createTypedClient('firsthand', target, limits)
    expect((await client.GET('/v1/billing/credits')).data?.balance_cents).toBe(7)
    expect(asked).toBe(3)
  })

  it.each([
    ['is busy for as long as it waits', 503, 'it answers 503'],
    ['is not there', 'none', 'cannot be reached'],
  ] as const)('says in a sentence that the instance %s', async (_, status, says) => {
    const { url } = await instance(status)
    const client = createTypedClient('firsthand', () => ({ url, token: 'k' }), { ...limits, unreachableMaxMs: 20 })
    await expect(client.GET('/v1/billing/credits')).rejects.toMatchObject({
      ...{ name: 'CliError', exitCode: EXIT.unreachable, message: expect.stringContaining(says) },
    })
  })

  it('ends with what is wrong on this side, and sends nothing again', async () => {
    let asked = 0
    const target = (): Target => {
      asked += 1
      throw new CliError(EXIT.usage, 'the key cannot be read')
    }
    const client = createTypedClient('firsthand', target, limits)
    await expect(client.GET('/v1/billing/credits')).rejects.toMatchObject({ message: 'the key cannot be read' })
    expect(asked).toBe(1)
  })

  it('names a refusal by its code, and sends a request without a key where that is wanted', async () => {
    const { url, heard } = await instance(400, { error: { type: 'invalid_request', message: 'A key is missing.' } })
    const target = (): Target => ({ url, token: 'k' })
    const client = createTypedClient('firsthand', target, limits)
    const unkeyed = (request: Request) => {
      request.headers.delete('idempotency-key')
      return sendNow(target, request)
    }
    expect(statusOf(await client.POST('/v1/jobs', { body: job, fetch: unkeyed }))).toBe('400 invalid_request')
    expect(heard).toMatchObject([{ key: undefined, authorization: 'Bearer k' }])
  })

  it('sends a write that has found nobody again, though it has no key, and none that was cut off', async () => {
    const { url, heard } = await instance(201, { data: {} })
    const [cut, nobody] = [await instance('none'), await instance('none')]
    servers.at(-1)?.close()
    const targets = [nobody.url, url]
    const client = createTypedClient('rungate', () => ({ url: targets.shift() ?? cut.url, token: '' }), limits)
    expect(statusOf(await client.POST('/v1/register', { body: { name: 'Acme' } }))).toBe('201')
    expect(heard).toMatchObject([{ authorization: undefined }])
    await expect(client.POST('/v1/register', { body: { name: 'Acme' } })).rejects.toMatchObject({ name: 'CliError' })
    expect(cut.heard).toHaveLength(1)
  })

  it('has the key of the moment where its context takes it', async () => {
    const { url, heard } = await instance(200, { verified: true })
    const keys = ['bsvc_1', 'bsvc_2']
    const ways = { headers: { 'x-trader-address': '0x1' }, key: () => keys.shift() ?? '' }
    const client = createTypedClient('ostium', () => ({ url, token: '' }), limits, ways)
    for (const _ of [1, 2]) expect(statusOf(await client.POST('/v1/auth/verify-auth'))).toBe('200')
    expect(heard.map(({ own, authorization }) => [own, authorization])).toEqual([
      ['bsvc_1', undefined],
      ['bsvc_2', undefined],
    ])
  })

  it('takes 429 for an answer where a story is about that', async () => {
    const { url } = await instance(429, { error: { type: 'rate_limited', message: 'Too many.' } })
    const client = createTypedClient('rungate', () => ({ url, token: 'k' }), limits, { mayBeRefused: true })
    expect(statusOf(await client.POST('/v1/register', { body: { name: 'Acme' } }))).toBe('429 rate_limited')
  })
})
