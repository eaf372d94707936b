/** Nodes that are away, slow, too talkative or talk nonsense: each is unavailable, within bounds, and no more than that. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createNode } from '../../../src/adapters/chain/node.ts'
import { ChainUnavailable, createRpc, type Rpc } from '../../../src/adapters/chain/rpc.ts'

interface Call {
  id: number
  method: string
  params: unknown[]
}
type Answer = (body: Call | Call[], response: ServerResponse, request: IncomingMessage) => void

let server: Server
let url: string
let answer: Answer
let bodies: (Call | Call[])[]
const sockets = new Set<import('node:net').Socket>()
beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request))
    bodies.push(body)
    answer(body, response, request)
  })
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

let rpc: Rpc
beforeEach(() => {
  bodies = []
  rpc = createRpc({ url: `${url}/v2/s3cret`, timeoutMs: 200, answerMaxBytes: 10_000 })
  return () => rpc.close()
})

/** A node of chain 31337 that answers as `result` says. */
const node =
  (result: (call: Call) => object): Answer =>
  (body, response) => {
    const reply = (call: Call) => ({ jsonrpc: '2.0', id: call.id, ...result(call) })
    response.end(JSON.stringify(Array.isArray(body) ? body.map(reply).reverse() : reply(body)))
  }
const good = node(({ method }) => ({ result: method === 'eth_chainId' ? '0x7a69' : '0x05' }))
const raw =
  (content: string, status = 200): Answer =>
  (_, response) =>
    response.writeHead(status).end(content)

const call = () => rpc.request('eth_call', [])

describe('a node', () => {
  it.each<[string, Answer, RegExp]>([
    ['says nothing', () => undefined, /said nothing whole within 200 ms/],
    ['sends its answer drop by drop', (_, response) => void response.write('{'), /said nothing whole within 200 ms/],
    ['sends too much', raw(JSON.stringify('x'.repeat(10_001))), /more than 10000 bytes/],
    ['sends a page', raw('<html>'), /status 200 and 6 bytes/],
    ['is overloaded', raw('{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"slow"}}', 429), /status 429/],
    ['has an error of its own', raw('{}', 502), /status 502/],
    ['sends null', raw('null'), /not JSON-RPC/],
    ['sends an answer to another question', raw('{"id":99,"result":"0x"}'), /without a result of eth_call/],
    ['sends no result', raw('{"id":1}'), /without a result/],
    ['hangs up', (_, response) => response.destroy(), /cannot be reached/],
    [
      'hangs up in the middle',
      (_, response) => response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
      /cannot be reached/,
    ],
  ])('that %s is unavailable', async (_, how, message) => {
    answer = how
    const failed = await call().catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(ChainUnavailable)
    expect(String(failed)).toMatch(message)
    expect(String(failed)).not.toContain('s3cret')
    answer = good
    expect(await call()).toBe('0x05')
  })

  it('that nobody listens for is unavailable', async () => {
    const away = createRpc({ url: 'http://127.0.0.1:1', timeoutMs: 500, answerMaxBytes: 100 })
    await expect(away.request('eth_call', [])).rejects.toThrow('the node cannot be reached (ECONNREFUSED)')
    await away.close()
  })

  it.each([
    ['as text', { code: 3, message: 'execution reverted', data: '0x1234' }, '0x1234'],
    ['in an object', { code: -32000, message: 'm', data: { data: '0xABcd' } }, '0xABcd'],
    ['deeper', { code: -32000, message: 'm', data: { originalError: { data: '0xab' } } }, '0xab'],
    ['as something else', { code: -32000, message: 'm', data: ['0xab'] }, undefined],
    ['as no hex', { code: -32000, message: 'm', data: 'Reverted' }, undefined],
  ])('that refuses has what the call reverted with %s', async (_, error, data) => {
    answer = node(() => ({ error }))
    await expect(call()).rejects.toMatchObject({ name: 'RpcRefusal', code: error.code, data })
  })

  it('gets a name and a password from its address', async () => {
    const named = createRpc({ url: url.replace('//', '//me:p%40ss@'), timeoutMs: 500, answerMaxBytes: 100 })
    let credential: string | undefined
    answer = (body, response, request) => {
      credential = request.headers.authorization
      good(body, response, request)
    }
    await named.request('eth_call', [])
    expect(credential).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
    await named.close()
  })
})

describe('questions', () => {
  it('of one turn go out together, twenty at most, and each gets its own answer', async () => {
    answer = node(({ params: [number] }) => ({ result: number }))
    const asked = Array.from({ length: 23 }, (_, at) => rpc.request('eth_call', [at]))
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 23 }, (_, at) => at))
    expect(bodies.map((body) => (Array.isArray(body) ? body.length : 1))).toEqual([20, 3])
  })

  it('are asked one by one of a node that takes no batch, and no batch is tried again', async () => {
    const one = node(({ params: [number] }) => ({ result: number }))
    const refusal = { jsonrpc: '2.0', id: null, error: { code: -32_600, message: 'no batches here' } }
    answer = (body, ...rest) => (Array.isArray(body) ? raw(JSON.stringify(refusal)) : one)(body, ...rest)
    const ask = () => Promise.all([0, 1, 2].map((at) => rpc.request('eth_call', [at])))
    expect([await ask(), await ask()]).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ])
    expect(bodies.map((body) => (Array.isArray(body) ? body.length : 1))).toEqual([3, 1, 1, 1, 1, 1, 1])
  })

  it('that send wait for nothing', async () => {
    answer = good
    await Promise.all([call(), rpc.request('eth_sendRawTransaction', ['0x']), call()])
    expect(bodies.map((body) => (Array.isArray(body) ? body.length : body.method))).toEqual([
      'eth_sendRawTransaction',
      2,
    ])
  })

  it('refused in a batch leave the others alone', async () => {
    answer = node(({ params: [at] }) => (at === 1 ? { error: { code: 3, message: 'no' } } : { result: '0x' }))
    const asked = [0, 1, 2].map((at) => rpc.request('eth_call', [at]))
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
  })
})

describe('the chain’s id', () => {
  const idAnd = (id: string) => node(({ method }) => ({ result: method === 'eth_chainId' ? id : '0x05' }))
  const asked = () =>
    bodies.map((body) => (Array.isArray(body) ? body.map(({ method }) => method).join() : body.method))
  const somebody = '0x00000000000000000000000000000000000A11cE'

  it('is looked at before the first question, and again after each failure', async () => {
    answer = idAnd('0x7a69')
    const chain = createNode(rpc, 31_337)
    await Promise.all([chain.etherOf(somebody), chain.etherOf(somebody)])
    expect(asked()).toEqual(['eth_chainId', 'eth_getBalance,eth_getBalance'])
    answer = raw('nonsense')
    await expect(chain.etherOf(somebody)).rejects.toThrow('status 200')
    answer = idAnd('0x1')
    await expect(chain.etherOf(somebody)).rejects.toThrow('the node is of another chain: 1, not 31337')
    answer = idAnd('0x7a69')
    expect(await chain.etherOf(somebody)).toBe(5n)
  })

  it('does not hide what a node answers beside its schema', async () => {
    answer = node(({ method }) => ({ result: method === 'eth_chainId' ? '0x7a69' : { surprise: true } }))
    await expect(createNode(rpc, 31_337).etherOf(somebody)).rejects.toThrow('eth_getBalance with something else')
  })

  it('hands over a call that reverts, and takes every other refusal for a node that is away', async () => {
    const chain = createNode(rpc, 31_337)
    const request = { to: somebody, data: '0x' } as const
    const refusing = (message: string, data?: string) => {
      answer = node(({ method }) =>
        method === 'eth_chainId' ? { result: '0x7a69' } : { error: { code: -32_000, message, data } },
      )
    }
    refusing('execution reverted', '0xa41bb918')
    await expect(chain.call(request)).rejects.toMatchObject({ name: 'CallReverted', revert: { name: 'WrongTP' } })
    refusing('out of gas')
    await expect(chain.estimateGas(request)).rejects.toMatchObject({ name: 'CallReverted', revert: { name: null } })
    refusing('header not found')
    await expect(chain.call(request, 7n)).rejects.toThrow('the node refused eth_call: header not found')
    expect(bodies.at(-1)).toMatchObject({ params: [request, '0x7'] })
  })

  it.each([
    ['transaction already imported', 'known'],
    ['already known', 'known'],
    ['nonce too low: next nonce 5, tx nonce 4', 'nonce_too_low'],
    ['replacement transaction underpriced', { refused: 'replacement transaction underpriced' }],
  ])('is of no account to what the node says to bytes that it knows: %s', async (message, outcome) => {
    answer = node(({ method }) =>
      method === 'eth_chainId' ? { result: '0x7a69' } : { error: { code: -32_000, message } },
    )
    expect(await createNode(rpc, 31_337).sendRaw('0x02')).toEqual(outcome)
  })
})
