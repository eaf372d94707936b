/**
 * What one would write by hand: a handler that parses, encodes with a prepared item of the ABI and answers, recording nothing;
 * and a loop that sends what comes from the source to every socket.
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { encodeFunctionData, getAddress, parseUnits, prepareEncodeFunctionData } from 'viem'
import { WebSocket, WebSocketServer } from 'ws'
import { functions } from '../../src/adapters/chain/abi/v3.ts'

const abi = [
  {
    type: 'function',
    name: 'openTrade',
    stateMutability: 'nonpayable',
    outputs: [],
    inputs: functions.openTrade.inputs,
  },
] as const
const item = prepareEncodeFunctionData({ abi, functionName: 'openTrade' })
const TYPES = ['market', 'limit', 'stop']
const NO_BUILDER = { builder: '0x0000000000000000000000000000000000000000', builderFee: 0 } as const
const TRADING = '0x6D0bA1f9996DBD8885827e1b2e8f6593e7702411'

interface Asked {
  open: { a: number; b: boolean; t: string; p: string; s: string; l: string; tp?: string; sl?: string }
  sp?: number
}

const app = new Hono()
app.post('/open', async (c) => {
  const { open, sp = 0.25 } = (await c.req.json()) as Asked
  const from = getAddress(c.req.header('x-trader-address') ?? '')
  const trade = {
    ...{ collateral: parseUnits(open.s, 6), openPrice: parseUnits(open.p, 18) },
    ...{ tp: parseUnits(open.tp ?? '0', 18), sl: parseUnits(open.sl ?? '0', 18), trader: from },
    ...{ leverage: Number(parseUnits(open.l, 2)), pairIndex: open.a, index: 0, buy: open.b },
  }
  const args = [trade, NO_BUILDER, TYPES.indexOf(open.t), BigInt(Math.round(sp * 100))] as const
  const data = encodeFunctionData({ ...item, args } as never)
  return c.json({ transactions: [{ to: TRADING, data, value: '0', from }] })
})

const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
const source = new WebSocket(process.env.PRICES ?? '')
source.on('message', (data: Buffer) => {
  const text = JSON.stringify(JSON.parse(data.toString()))
  for (const client of server.clients) client.send(text)
})
const listening = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
listening.on('upgrade', (request, socket, head) => server.handleUpgrade(request, socket, head, () => undefined))
process.once('SIGTERM', () => process.exit(0))
